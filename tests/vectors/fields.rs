//! Every field and enum value of the three packages keeps name, number and type.
//!
//! `proto/golden/fields.txt` lists them. What is new is let through until
//! `HATS_BLESS=1` writes it down; what is listed and gone is a broken protocol.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::Label,
};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/golden/fields.txt")
}

fn field_line(message: &str, field: &FieldDescriptorProto) -> String {
    let kind = match field.type_name() {
        "" => field.r#type().as_str_name().trim_start_matches("TYPE_").to_lowercase(),
        named => named.to_owned(),
    };
    let label = match (field.label(), field.proto3_optional()) {
        (Label::Repeated, _) => "repeated ",
        (_, true) => "optional ",
        (_, false) => "",
    };
    format!("{message} {} {} {label}{kind}", field.number(), field.name())
}

fn message_lines(within: &str, message: &DescriptorProto, lines: &mut BTreeSet<String>) {
    let name = format!("{within}.{}", message.name());
    lines.extend(message.field.iter().map(|field| field_line(&name, field)));
    for inner in &message.nested_type {
        message_lines(&name, inner, lines);
    }
    for inner in &message.enum_type {
        enum_lines(&name, inner, lines);
    }
}

fn enum_lines(within: &str, one: &EnumDescriptorProto, lines: &mut BTreeSet<String>) {
    let line = |number: i32, value: &str| format!("{within}.{} {number} {value}", one.name());
    lines.extend(one.value.iter().map(|value| line(value.number(), value.name())));
}

fn lines() -> BTreeSet<String> {
    let all = FileDescriptorSet::decode(hats_proto::DESCRIPTORS).expect("our own descriptors");
    let mut lines = BTreeSet::new();
    for file in all.file.iter().filter(|file| file.package().starts_with("hats.")) {
        for message in &file.message_type {
            message_lines(file.package(), message, &mut lines);
        }
        for one in &file.enum_type {
            enum_lines(file.package(), one, &mut lines);
        }
    }
    lines
}

#[test]
fn fields_keep_their_numbers() {
    let now = lines();
    if env::var_os("HATS_BLESS").is_some() {
        let text: String = now.iter().map(|line| format!("{line}\n")).collect();
        fs::write(golden(), text).expect("the list of fields");
    }
    let listed = fs::read_to_string(golden()).expect("the list of fields");
    let gone: Vec<_> = listed.lines().filter(|line| !now.contains(*line)).collect();
    assert!(
        gone.is_empty(),
        "listed in proto/golden/fields.txt and changed since: {gone:#?}\n\
         HATS_BLESS=1 accepts it; only what no release has can change"
    );
}
