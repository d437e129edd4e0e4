//! regorus, by its virtual machine.

use std::collections::BTreeMap;
use std::error::Error;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::RegoVM;
use regorus::{PolicyModule, Value, compile_policy_with_entrypoint};
use verdikt_bench::world::{Request, World};

use crate::engine::{Encoding, Engine, Settings};
use crate::model::{Model, of_any_resource, resource, subjects};
use crate::rego::{self, Rego};

pub(crate) const ENCODINGS: [Encoding; 2] = [
    Encoding {
        engine: "regorus",
        encoding: "exact",
        exact: true,
        about: "grants by subject and namespace, then the rules of each role (`src/exact.rego`); the \
                input made from strings each time",
        build: exact,
    },
    Encoding {
        engine: "regorus",
        encoding: "fast",
        exact: false,
        about: "one look-up for each grant of a subject (`src/fast.rego`); inputs made beforehand. \
                Drops rules with resourceNames, and wildcards reach only kinds that are asked for",
        build: fast,
    },
];

struct Exact<'w>(RegoVM, &'w World);

struct Fast(RegoVM, Vec<Value>);

fn exact<'w>(
    world: &'w World,
    model: &'w Model,
    _: &'w Settings,
) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>> {
    Ok(Box::new(Exact(machine(&rego::exact(model))?, world)))
}

fn fast<'w>(
    world: &'w World,
    model: &'w Model,
    _: &'w Settings,
) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>> {
    let rego = rego::fast(model);
    let inputs = world.requests.iter().map(|request| Value::from((rego.input)(request)));
    Ok(Box::new(Fast(machine(&rego)?, inputs.collect())))
}

fn machine(rego: &Rego) -> Result<RegoVM, Box<dyn Error>> {
    const ALLOW: &str = "data.rbac.allow";
    let data = Value::from(rego.data.clone());
    let module = PolicyModule { id: "rbac.rego".into(), content: rego.program.into() };
    let policy = compile_policy_with_entrypoint(data.clone(), &[module], ALLOW.into())?;
    let mut machine = RegoVM::new();
    machine.load_program(Compiler::compile_from_policy(&policy, &[ALLOW])?);
    machine.set_data(data)?;
    machine.set_max_instructions(usize::MAX);
    Ok(machine)
}

fn allows(machine: &mut RegoVM, input: Value) -> Result<bool, Box<dyn Error>> {
    machine.set_input(input);
    Ok(*machine.execute()?.as_bool()?)
}

/// The same as `rego::exact` makes, without the way over JSON.
fn input(request: &Request) -> Value {
    let question = &request.question;
    let subjects: Vec<Value> = subjects(request).map(Value::from).collect();
    let string = |text: &str| Value::from(text);
    let fields = [
        ("subjects", Value::from(subjects)),
        ("namespace", string(&question.namespace)),
        ("verb", string(&question.verb)),
        ("group", string(&question.group)),
        ("resource", Value::from(resource(question))),
        ("of_any", Value::from(of_any_resource(question))),
        ("name", string(&question.name)),
    ];
    let fields = fields.map(|(name, value)| (Value::from(name), value));
    Value::from(BTreeMap::from(fields))
}

impl Engine for Exact<'_> {
    fn allows(&mut self, request: usize) -> Result<bool, Box<dyn Error>> {
        allows(&mut self.0, input(&self.1.requests[request]))
    }
}

impl Engine for Fast {
    fn allows(&mut self, request: usize) -> Result<bool, Box<dyn Error>> {
        allows(&mut self.0, self.1[request].clone())
    }
}
