//! Generates the message types without a system `protoc`.

use std::{env, fs, io::Error, path::PathBuf};

use prost_types::{FileDescriptorSet, field_descriptor_proto::Label};

const FILES: [&str; 3] = ["hats/wire/v1.proto", "hats/nim/v1.proto", "hats/ipc/v1.proto"];

fn main() -> Result<(), Error> {
    println!("cargo:rerun-if-changed=hats");
    let descriptors = protox::compile(FILES, ["."]).map_err(Error::other)?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| Error::other("no OUT_DIR"))?);
    fs::write(out.join("hats.binpb"), prost::Message::encode_to_vec(&descriptors))?;

    let mut config = prost_build::Config::new();
    config.btree_map(["."]);
    serialise_ipc(&mut config, &descriptors);
    config.compile_fds(descriptors)
}

/// Subscriber messages are also JSON (the log and `hats-status -o json`):
/// absent and empty fields are left out there.
fn serialise_ipc(config: &mut prost_build::Config, descriptors: &FileDescriptorSet) {
    let derive = r#"#[cfg_attr(feature = "serde", derive(serde::Serialize))]"#;
    let skip = |predicate: &str| {
        format!(r#"#[cfg_attr(feature = "serde", serde(skip_serializing_if = "{predicate}"))]"#)
    };
    let package = ".hats.ipc.v1";
    config.type_attribute(package, derive);
    for file in descriptors.file.iter().filter(|file| file.package() == "hats.ipc.v1") {
        for message in &file.message_type {
            for field in &message.field {
                let path = format!("{package}.{}.{}", message.name(), field.name());
                if field.name() == "self" {
                    // prost calls it `self_`, as `self` is a keyword.
                    let rename = r#"#[cfg_attr(feature = "serde", serde(rename = "self"))]"#;
                    config.field_attribute(&path, rename);
                }
                if field.proto3_optional() {
                    config.field_attribute(path, skip("Option::is_none"));
                } else if field.label() == Label::Repeated && message.name() == "Event" {
                    config.field_attribute(path, skip("alloc::vec::Vec::is_empty"));
                }
            }
        }
    }
}
