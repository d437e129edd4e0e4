//! The flags as they are in force, whether they were typed, stand in a file, or go without saying; for `/configz`.

use clap::{ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};

/// Of each flag that has a value, that value; all of them, if it can have several. No flag holds a secret: they name
/// the files that do.
pub(crate) fn flags(command: &Command, matches: &ArgMatches) -> Map<String, Value> {
    let mut flags = Map::new();
    for arg in command.get_arguments() {
        let Some(long) = arg.get_long() else { continue };
        let Ok(Some(values)) = matches.try_get_raw(arg.get_id().as_str()) else { continue };
        let mut values: Vec<Value> =
            values.map(|value| value.to_string_lossy().into_owned().into()).collect();
        let is_list =
            matches!(arg.get_action(), ArgAction::Append) || arg.get_value_delimiter().is_some();
        let value = match values.len() {
            1 if !is_list => values.remove(0),
            _ => Value::Array(values),
        };
        flags.insert(long.to_owned(), value);
    }
    flags
}
