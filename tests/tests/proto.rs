//! The messages of gRPC stay compatible, and each of them says what it is.
//!
//! `crates/verdikt-server/proto/verdikt.v1.txt` lists what clients may rely on. Nothing in it may go, change its
//! number or its type. After an addition, `UPDATE_PROTO=1 cargo test -p verdikt-tests --test proto` adds it.

use std::collections::BTreeSet;
use std::path::Path;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet,
};
use verdikt_server::proto::DESCRIPTORS;

const BASELINE: &str = "../crates/verdikt-server/proto/verdikt.v1.txt";

/// Our own file, as it was compiled.
fn file() -> FileDescriptorProto {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    set.file.into_iter().find(|file| file.package() == "verdikt.v1").unwrap()
}

#[test]
fn nothing_that_clients_rely_on_is_gone() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(BASELINE);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let now = surface(&file());
    let gone: Vec<&str> = before.lines().filter(|line| !now.contains(*line)).collect();
    assert_eq!(gone, [""; 0], "of this, something is not there any more, or means something else");
    let text: String = now.iter().map(|line| format!("{line}\n")).collect();
    if std::env::var_os("UPDATE_PROTO").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let listed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(listed, text, "additions are listed with UPDATE_PROTO=1");
}

#[test]
fn a_removed_or_changed_field_is_noticed() {
    let changed = |change: fn(&mut FileDescriptorProto)| {
        let mut file = file();
        let before = surface(&file);
        change(&mut file);
        before.difference(&surface(&file)).count()
    };
    assert_eq!(changed(|_| {}), 0);
    assert_eq!(changed(|file| drop(file.message_type[0].field.pop())), 1);
    assert_eq!(changed(|file| file.message_type[0].field[0].number = Some(99)), 1);
    assert_eq!(changed(|file| file.message_type[0].field[0].set_type(Type::Bytes)), 1);
    assert_eq!(changed(|file| file.message_type[0].field[0].set_label(Label::Repeated)), 1);
    assert_eq!(changed(|file| file.enum_type[0].value[1].number = Some(99)), 1);
    assert_eq!(changed(|file| drop(file.service[0].method.pop())), 1);
    assert_eq!(changed(|file| file.service[0].method[0].server_streaming = Some(true)), 1);
}

#[test]
fn everything_is_commented() {
    let file = file();
    let commented: BTreeSet<Vec<i32>> = file
        .source_code_info
        .as_ref()
        .unwrap()
        .location
        .iter()
        .filter(|location| !location.leading_comments().trim().is_empty())
        .map(|location| location.path.clone())
        .collect();
    let mut bare = Vec::new();
    let mut check = |path: &[usize], name: &str| {
        let path: Vec<i32> = path.iter().map(|&step| i32::try_from(step).unwrap()).collect();
        if !commented.contains(&path) {
            bare.push(name.to_owned());
        }
    };
    // The numbers are those of the fields of descriptor.proto.
    for (m, message) in file.message_type.iter().enumerate() {
        check(&[4, m], message.name());
        for (f, field) in message.field.iter().enumerate() {
            check(&[4, m, 2, f], &format!("{}.{}", message.name(), field.name()));
        }
        for (o, oneof) in message.oneof_decl.iter().enumerate() {
            check(&[4, m, 8, o], &format!("{}.{}", message.name(), oneof.name()));
        }
    }
    for (e, enumeration) in file.enum_type.iter().enumerate() {
        check(&[5, e], enumeration.name());
        for (v, value) in enumeration.value.iter().enumerate() {
            check(&[5, e, 2, v], value.name());
        }
    }
    for (s, service) in file.service.iter().enumerate() {
        check(&[6, s], service.name());
        for (m, method) in service.method.iter().enumerate() {
            check(&[6, s, 2, m], method.name());
        }
    }
    assert_eq!(bare, [""; 0], "has no comment");
}

#[test]
fn names_are_as_usual() {
    let file = file();
    assert_eq!(file.name(), "verdikt/v1/verdikt.proto", "the folder is the package");
    let is_snake = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && !name.contains("__")
            && !name.ends_with('_')
    };
    let is_camel = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    for message in &file.message_type {
        assert!(is_camel(message.name()), "{}", message.name());
        for field in &message.field {
            assert!(is_snake(field.name()), "{}.{}", message.name(), field.name());
        }
    }
    for EnumDescriptorProto { name, value, .. } in &file.enum_type {
        let name = name.as_deref().unwrap();
        let prefix = format!("{}_", name.to_ascii_uppercase());
        let zero = value.iter().find(|value| value.number() == 0).unwrap();
        assert_eq!(zero.name(), format!("{prefix}UNSPECIFIED"));
        assert!(value.iter().all(|value| value.name().starts_with(&prefix)), "{name}");
    }
    for method in &file.service[0].method {
        let name = method.name();
        assert!(is_camel(name), "{name}");
        assert_eq!(method.input_type(), format!(".verdikt.v1.{name}Request"));
        assert_eq!(method.output_type(), format!(".verdikt.v1.{name}Response"));
    }
}

/// What clients may rely on, a line each.
fn surface(file: &FileDescriptorProto) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for message in &file.message_type {
        add_message(&mut lines, message, message.name());
    }
    for enumeration in &file.enum_type {
        for value in &enumeration.value {
            lines.insert(format!(
                "enum {} {} {}",
                enumeration.name(),
                value.number(),
                value.name()
            ));
        }
    }
    for service in &file.service {
        for method in &service.method {
            let stream = |is: bool| if is { "stream " } else { "" };
            lines.insert(format!(
                "rpc {}/{} ({}{}) returns ({}{})",
                service.name(),
                method.name(),
                stream(method.client_streaming()),
                method.input_type(),
                stream(method.server_streaming()),
                method.output_type(),
            ));
        }
    }
    lines
}

fn add_message(lines: &mut BTreeSet<String>, message: &DescriptorProto, name: &str) {
    for field in &message.field {
        lines.insert(format!("message {name} {} {}", field.number(), described(message, field)));
    }
    for nested in &message.nested_type {
        add_message(lines, nested, &format!("{name}.{}", nested.name()));
    }
}

fn described(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let repeated = if field.label() == Label::Repeated { "repeated " } else { "" };
    let kind = match field.type_name() {
        "" => field.r#type().as_str_name().trim_start_matches("TYPE_").to_ascii_lowercase(),
        name => name.to_owned(),
    };
    let oneof = field.oneof_index.map(|index| usize::try_from(index).unwrap());
    let oneof = oneof.map(|index| format!(" in {}", message.oneof_decl[index].name()));
    format!("{} {repeated}{kind}{}", field.name(), oneof.unwrap_or_default())
}
