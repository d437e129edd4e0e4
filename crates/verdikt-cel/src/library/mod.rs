//! The functions of the language and of its extensions: one file a library.
//!
//! The order of a function's overloads is cel-go's, as the first that fits gives a call its type.

pub(crate) mod authz;
pub(crate) mod cidr;
pub(crate) mod conversion;
pub(crate) mod declare;
pub(crate) mod format;
pub(crate) mod format_string;
pub(crate) mod ip;
pub(crate) mod lists;
pub(crate) mod lists_kubernetes;
pub(crate) mod operator;
pub(crate) mod optional;
pub(crate) mod pattern;
pub(crate) mod quantity;
pub(crate) mod regex;
pub(crate) mod semver;
pub(crate) mod sets;
pub(crate) mod strings;
pub(crate) mod strings_standard;
pub(crate) mod time;
pub(crate) mod url;

mod opaque;

use std::sync::LazyLock;

pub use cidr::Cidr;
pub(crate) use declare::{Function, Registry};
pub use format::NamedFormat;
pub use opaque::Opaque;
pub use quantity::Quantity;
pub use semver::Semver;
pub use url::Url;

/// All functions there are.
pub(crate) static FUNCTIONS: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::default();
    operator::declare(&mut registry);
    conversion::declare(&mut registry);
    strings_standard::declare(&mut registry);
    time::declare(&mut registry);
    url::declare(&mut registry);
    regex::declare(&mut registry);
    authz::declare(&mut registry);
    optional::declare(&mut registry);
    quantity::declare(&mut registry);
    strings::declare(&mut registry);
    sets::declare(&mut registry);
    ip::declare(&mut registry);
    cidr::declare(&mut registry);
    format::declare(&mut registry);
    semver::declare(&mut registry);
    lists::declare(&mut registry);
    lists_kubernetes::declare(&mut registry);
    registry
});
