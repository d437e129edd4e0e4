//! One module for each command.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod explain;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod validate;
pub(crate) mod who_can;
