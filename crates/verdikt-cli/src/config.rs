//! `--config verdikt.yaml`: flags by name, without dashes. Each becomes the flag it stands for, so that
//! there is one place that knows what flags exist and what they take.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, ValueHint};
use verdikt::Diagnostic;
use verdikt::parser::document::{At, Node, Text, Value, read};
use verdikt::parser::{Limits, Source};

use crate::failure::Failure;

/// The command line with what the file says put before what was typed; a flag that was typed replaces
/// what the file says of it. Paths in the file begin at its folder.
pub(crate) fn expand(
    command: &Command,
    matches: &ArgMatches,
    mut arguments: Vec<OsString>,
) -> Result<Vec<OsString>, Failure> {
    let Some((name, typed)) = matches.subcommand() else { return Ok(arguments) };
    let Ok(Some(path)) = typed.try_get_one::<std::path::PathBuf>("config") else {
        return Ok(arguments);
    };
    let Some(asked) = command.find_subcommand(name) else { return Ok(arguments) };
    // A file is written for `serve`, and used by every command that knows some of its flags.
    let all = command.find_subcommand("serve").unwrap_or(asked);
    let mut flags = Vec::new();
    for (arg, values) in settings(all, path)? {
        let id = arg.get_id().as_str();
        let is_known = asked.get_arguments().any(|known| known.get_id() == arg.get_id());
        if is_known && typed.value_source(id) != Some(ValueSource::CommandLine) {
            flags.extend(values);
        }
    }
    // The command is the first argument: nothing can be said before it.
    let place = arguments.len().min(2);
    arguments.splice(place..place, flags);
    Ok(arguments)
}

/// All that is wrong with a file of flags.
pub(crate) fn check(path: &Path) -> Vec<Diagnostic> {
    let command = crate::cli::Cli::command();
    let Some(serve) = command.find_subcommand("serve") else { return Vec::new() };
    match settings(serve, path) {
        Err(Failure::Findings(found)) => found,
        Err(Failure::Message(text)) => vec![Diagnostic::error("config/unreadable", text)],
        Err(_) | Ok(_) => Vec::new(),
    }
}

/// What the file says: for each flag the arguments it stands for.
fn settings<'a>(
    command: &'a Command,
    path: &Path,
) -> Result<Vec<(&'a Arg, Vec<OsString>)>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::message(format!("cannot read --config {}: {error}", path.display()))
    })?;
    let name: Arc<str> = path.display().to_string().into();
    let source = Source::new(name, &bytes);
    let limits = Limits::default();
    let (documents, mut found) = read(&source, &limits);
    let Ok(text) = Text::new(&source, &limits) else { return Err(Failure::Findings(found)) };
    let mut reader = Reader {
        command,
        folder: path.parent().unwrap_or_else(|| Path::new("")),
        text: &text,
        found: Vec::new(),
        settings: Vec::new(),
    };
    for document in &documents {
        reader.document(document);
    }
    found.append(&mut reader.found);
    if found.iter().any(Diagnostic::is_error) {
        return Err(Failure::Findings(found));
    }
    Ok(reader.settings)
}

struct Reader<'a, 't> {
    command: &'a Command,
    folder: &'t Path,
    text: &'t Text<'t>,
    found: Vec<Diagnostic>,
    settings: Vec<(&'a Arg, Vec<OsString>)>,
}

impl Reader<'_, '_> {
    fn document(&mut self, document: &Node) {
        let Value::Mapping(entries) = &document.value else {
            let message = format!("flags and their values are expected, found {}", document.kind());
            let help = "write `policy-dir: policies` and the like, one a line";
            return self.error("config/not-a-map", message, help, document.at);
        };
        for (key, node) in entries {
            let known = self
                .command
                .get_arguments()
                .find(|arg| arg.get_long() == Some(&key.name) && arg.get_id().as_str() != "config");
            let Some(arg) = known else {
                let message = format!("there is no flag --{}", key.name);
                self.error("config/unknown-flag", message, &self.nearest(&key.name), key.at);
                continue;
            };
            let values = self.values(arg, node);
            self.settings.push((arg, values));
        }
    }

    /// A flag's value, or its values if it can be given several times.
    fn values(&mut self, arg: &Arg, node: &Node) -> Vec<OsString> {
        let is_list = matches!(arg.get_action(), ArgAction::Append);
        match &node.value {
            Value::Sequence(items) if is_list => {
                items.iter().filter_map(|item| self.value(arg, item)).collect()
            }
            _ => self.value(arg, node).into_iter().collect(),
        }
    }

    fn value(&mut self, arg: &Arg, node: &Node) -> Option<OsString> {
        let flag = arg.get_long().unwrap_or_default();
        let value = match &node.value {
            Value::Bool(value) => value.to_string(),
            Value::Number(value) | Value::String(value) => value.clone(),
            _ => {
                let message = format!("--{flag} takes a text, not {}", node.kind());
                self.error("config/wrong-type", message, "", node.at);
                return None;
            }
        };
        let is_path = matches!(
            arg.get_value_hint(),
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath
        );
        let value = if is_path && value != "-" {
            self.folder.join(value).into_os_string()
        } else {
            OsString::from(value)
        };
        let mut argument = OsString::from(format!("--{flag}="));
        argument.push(&value);
        self.check(arg, &argument, node.at);
        Some(argument)
    }

    /// Has clap look at one argument alone, so that what it says can be shown where it is written.
    fn check(&mut self, arg: &Arg, argument: &OsStr, at: At) {
        let alone = Command::new("config").no_binary_name(true).arg(arg);
        let Err(error) = alone.try_get_matches_from([argument]) else { return };
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        let message = line.strip_prefix("error: ").unwrap_or(line);
        self.error("config/invalid-value", message.to_owned(), "", at);
    }

    /// Advice for a flag that does not exist.
    fn nearest(&self, wanted: &str) -> String {
        let words = |name: &str| name.replace('_', "-").to_lowercase();
        let same_letters = |name: &str| words(name).replace('-', "");
        let flags = self.command.get_arguments().filter_map(Arg::get_long);
        let found = flags.into_iter().find(|flag| same_letters(flag) == same_letters(wanted));
        match found {
            Some(flag) => {
                format!("write `{flag}`: flags stand here as they are typed, without dashes")
            }
            None => "`verdikt serve --help` lists the flags".to_owned(),
        }
    }

    fn error(&mut self, id: &'static str, message: String, help: &str, at: At) {
        let label = self.text.label(at, "");
        self.found.push(Diagnostic::error(id, message).help(help).at(label));
    }
}
