//! OPA, by its Go module: a process of its own that measures itself, see `opa/main.go`.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use verdikt_bench::world::World;

use crate::engine::{Encoding, Engine, Settings};
use crate::model::Model;
use crate::rego::{self, Rego};

pub(crate) const ENCODINGS: [Encoding; 2] = [
    Encoding {
        engine: "OPA",
        encoding: "exact",
        exact: true,
        about: "the program and data of regorus; the input's values made from strings each time. A \
                process of its own that measures the thread that decides, not those that collect \
                garbage; building includes starting it",
        build: exact,
    },
    Encoding {
        engine: "OPA",
        encoding: "fast",
        exact: false,
        about: "the program and data of regorus, and drops what that drops; inputs made beforehand",
        build: fast,
    },
];

struct Opa {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

fn exact<'w>(
    world: &'w World,
    model: &'w Model,
    settings: &'w Settings,
) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>> {
    start("exact", &rego::exact(model), world, settings)
}

fn fast<'w>(
    world: &'w World,
    model: &'w Model,
    settings: &'w Settings,
) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>> {
    start("fast", &rego::fast(model), world, settings)
}

fn start(
    encoding: &str,
    rego: &Rego,
    world: &World,
    settings: &Settings,
) -> Result<Box<dyn Engine>, Box<dyn Error>> {
    let program = settings.opa.as_ref().ok_or("OPA was not built")?;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("policy.rego"), rego.program)?;
    fs::write(folder.path().join("data.json"), rego.data.to_string())?;
    let mut inputs = BufWriter::new(fs::File::create(folder.path().join("inputs.jsonl"))?);
    for request in &world.requests {
        writeln!(inputs, "{}", (rego.input)(request))?;
    }
    inputs.flush()?;
    let mut command = Command::new(program);
    command.arg(folder.path()).arg(encoding).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn()?;
    let questions = process.stdin.take().ok_or("no way to ask OPA")?;
    let answers = BufReader::new(process.stdout.take().ok_or("no way to hear OPA")?);
    let mut opa = Opa { process, questions, answers };
    // It has read the folder by then.
    opa.answer()?;
    Ok(Box::new(opa))
}

impl Opa {
    fn answer(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Engine for Opa {
    fn allows(&mut self, request: usize) -> Result<bool, Box<dyn Error>> {
        writeln!(self.questions, "allows {request}")?;
        Ok(self.answer()?.parse()?)
    }

    fn time(&mut self, requests: usize) -> Result<Duration, Box<dyn Error>> {
        writeln!(self.questions, "time {requests}")?;
        Ok(Duration::from_nanos(self.answer()?.parse()?))
    }
}

impl Drop for Opa {
    fn drop(&mut self) {
        // It has nothing to lose; if it is gone already, so much the better.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
