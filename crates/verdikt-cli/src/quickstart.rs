//! Without a command: serves the example policy, and shows what to try.

use std::ffi::OsString;
use std::process::ExitCode;

use verdikt::Engine;
use verdikt_server::{Address, BindError, Options, Server};

use crate::cli::{self, Command};
use crate::failure::Failure;
use crate::output::{DIM, HEAD, to_stdout};
use crate::summary;

const CONFIG: &str = "policies/quickstart/verdikt.yaml";

/// As `verdikt serve --config policies/quickstart/verdikt.yaml`, but on another port if that is taken.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    if !std::path::Path::new(CONFIG).exists() {
        return Err(Failure::message(format!(
            "there is no {CONFIG} here; name your own policy: verdikt serve --policy-dir DIR \
             (verdikt --help shows the rest)"
        )));
    }
    let arguments = ["verdikt", "serve", "--log-level=warn", "--config", CONFIG];
    match cli::parse(arguments.map(OsString::from).to_vec())? {
        Command::Serve(serve) => {
            crate::logging::start(&serve.logging)?;
            serve.serve(bind_somewhere, |engine, address| Ok(to_stdout(&screen(engine, address))?))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

async fn bind_somewhere(engine: Engine, mut options: Options) -> Result<Server, BindError> {
    match Server::bind(engine.clone(), options.clone()).await {
        Err(BindError::Address(Address::Tcp(mut address), _)) => {
            address.set_port(0);
            options.address = address.into();
            Server::bind(engine, options).await
        }
        other => other,
    }
}

/// The first screen: what was loaded, where it listens, and what to paste.
fn screen(engine: &Engine, address: &Address) -> String {
    let status = serde_json::to_value(engine.status()).unwrap_or_default();
    let url = address.url("http");
    let loaded = summary::of_status(&status);
    let program = std::env::args().next().unwrap_or_else(|| "verdikt".to_owned());
    let comment = |text: &str| format!("{DIM}# {text}{DIM:#}");
    format!(
        "{loaded}{HEAD}{listening:<15}{HEAD:#} {url} (Ctrl-C stops it)

Paste these in another terminal:

{allowed}
curl -H 'Authorization: Bearer jane-token' {url}/api/v1/namespaces/shop/pods

{forbidden}
curl -X DELETE -H 'Authorization: Bearer jane-token' {url}/api/v1/namespaces/shop/pods/cart

{unauthorized}
curl -H 'Authorization: Bearer wrong-token' {url}/api/v1/namespaces/shop/pods

{reload}
echo '- {{apiGroups: [\"\"], resources: [pods], verbs: [delete]}}' >> {ROLE}
sleep 1
curl -X DELETE -H 'Authorization: Bearer jane-token' {url}/api/v1/namespaces/shop/pods/cart

{again}
{program} status --server {url}
{program} explain --config {CONFIG} --as jane --as-group developers delete pods/cart -n shop
",
        listening = "listening",
        allowed = comment("allowed, and why"),
        forbidden = comment("403: nothing allows it"),
        unauthorized = comment("401: nobody knows this token"),
        reload =
            comment("allowed after one more rule (git checkout policies/quickstart takes it back)"),
        again = comment("more: what is loaded, and why something is allowed or not"),
    )
}

const ROLE: &str = "policies/quickstart/manifests/developer.yaml";
