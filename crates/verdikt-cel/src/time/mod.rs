//! Spans and points of time, as Go's `time` has them.

mod calendar;
mod duration;
mod timestamp;
mod zone;

pub(crate) use calendar::Civil;
pub use duration::Duration;
pub use timestamp::Timestamp;
pub(crate) use timestamp::is_date;
pub(crate) use zone::Zone;
