//! `verdikt token hash`: secrets for files, so that the files need not hold them.

use std::io::{self, IsTerminal as _, Read as _};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use verdikt::Secret;
use verdikt::authn::password;

use crate::failure::Failure;
use crate::output::to_stdout;

#[derive(Args, Debug)]
pub(super) struct Hash {
    /// How to hash
    #[arg(long, value_name = "NAME", default_value = "argon2id")]
    algorithm: Algorithm,
    /// Rounds of bcrypt, as a logarithm: 4 to 16
    #[arg(long, value_name = "N", default_value_t = 12)]
    cost: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Algorithm {
    Argon2id,
    Bcrypt,
}

impl Hash {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let secret = read_secret()?;
        let secret = secret.expose();
        let hashed = match self.algorithm {
            Algorithm::Argon2id => password::hash_argon2id(secret),
            Algorithm::Bcrypt => password::hash_bcrypt(secret, self.cost),
        };
        let hashed = hashed.map_err(|error| Failure::message(error.to_string()))?;
        to_stdout(&in_csv(&hashed))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The first column of a CSV file: an argon2id hash has commas, and so needs quotes there.
fn in_csv(hashed: &str) -> String {
    if hashed.contains(',') { format!("\"{hashed}\"\n") } else { format!("{hashed}\n") }
}

/// One secret from standard input, without the newline at its end; not shown while it is typed.
fn read_secret() -> Result<Secret, Failure> {
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password("Secret: ")?
    } else {
        let mut text = String::new();
        let read = io::stdin().lock().take(MOST_BYTES + 1).read_to_string(&mut text);
        read.map_err(|error| Failure::message(format!("cannot read the secret: {error}")))?;
        text
    };
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() || secret.contains('\n') || secret.len() as u64 > MOST_BYTES {
        let message =
            format!("standard input must hold one secret: a line of 1 to {MOST_BYTES} bytes");
        return Err(Failure::message(message));
    }
    Ok(Secret::new(secret.as_bytes()))
}

const MOST_BYTES: u64 = 4_096;
