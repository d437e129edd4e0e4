//! Compiles the messages in `proto/`: with `protox`, so that no `protoc` is needed.

use std::error::Error;
use std::path::PathBuf;

use tonic_prost_build::Config;

/// What is compiled, below `proto/`.
const FILES: [&str; 2] = ["verdikt/v1/verdikt.proto", "envoy/service/auth/v3/external_auth.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let descriptor_path = PathBuf::from(std::env::var("OUT_DIR")?).join("verdikt.v1.bin");
    std::fs::write(descriptor_path, protox::prost::Message::encode_to_vec(&descriptors))?;
    let mut config = Config::new();
    config.enable_type_names();
    // They print what they are, not what they hold: `src/grpc/proto.rs`.
    config.skip_debug([
        "verdikt.v1.Credential",
        "envoy.service.auth.v3.AttributeContext.HttpRequest",
    ]);
    config.btree_map([".envoy"]);
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds_with_config(descriptors, config)?;
    compile_serving()
}

/// The service once more, with messages that it reads where they lie: `src/grpc/codec.rs`.
fn compile_serving() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("OUT_DIR")?).join("serving");
    std::fs::create_dir_all(&folder)?;
    let mut builder = tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .codec_path("crate::grpc::codec::Codec")
        .extern_path(".verdikt.v1", "crate::grpc::proto::v1")
        .out_dir(folder);
    for message in ["CheckBatchRequest", "CheckRequest", "CheckStreamRequest"] {
        let path = format!("crate::grpc::codec::{message}");
        builder = builder.extern_path(format!(".verdikt.v1.{message}"), path);
    }
    builder.compile_fds(protox::compile(["verdikt/v1/verdikt.proto"], ["proto"])?)?;
    Ok(())
}
