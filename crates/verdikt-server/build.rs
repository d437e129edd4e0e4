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
    Ok(())
}
