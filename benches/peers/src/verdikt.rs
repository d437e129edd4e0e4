//! verdikt itself, called in the same way as the others.

use std::error::Error;

use verdikt::{Attributes, Engine as Verdikt, Identity};
use verdikt_bench::measure::resolve;
use verdikt_bench::world::{Question, World};

use crate::engine::{Encoding, Engine, Settings};
use crate::model::Model;

pub(crate) const ENCODINGS: [Encoding; 2] = [
    Encoding {
        engine: "verdikt",
        encoding: "exact",
        exact: true,
        about: "requests as strings",
        build: from_strings,
    },
    Encoding {
        engine: "verdikt",
        encoding: "resolved",
        exact: true,
        about: "subjects resolved beforehand, as the server does it once for each token; drops nothing",
        build: resolved,
    },
];

struct FromStrings<'w>(Verdikt, &'w World);

struct Resolved(Verdikt, Vec<(Identity, Question)>);

fn from_strings<'w>(
    world: &'w World,
    _: &'w Model,
    _: &'w Settings,
) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>> {
    Ok(Box::new(FromStrings(load(world)?, world)))
}

fn resolved<'w>(
    world: &'w World,
    _: &'w Model,
    _: &'w Settings,
) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>> {
    let engine = load(world)?;
    let requests = resolve(&engine, &world.requests);
    Ok(Box::new(Resolved(engine, requests)))
}

fn load(world: &World) -> Result<Verdikt, Box<dyn Error>> {
    Ok(Verdikt::builder().objects(world.policy.clone()).build()?)
}

impl Engine for FromStrings<'_> {
    fn allows(&mut self, request: usize) -> Result<bool, Box<dyn Error>> {
        Ok(self.0.authorize(&self.1.requests[request].attributes()).is_allowed())
    }
}

impl Engine for Resolved {
    fn allows(&mut self, request: usize) -> Result<bool, Box<dyn Error>> {
        let (identity, question) = &self.1[request];
        let attributes = Attributes { user: Some(identity.into()), ..question.attributes() };
        Ok(self.0.authorize(&attributes).is_allowed())
    }
}
