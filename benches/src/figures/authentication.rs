//! A token that is remembered and a certificate whose connection goes on, beside the floor; and a token that
//! is verified, beside its signature.

use std::fmt;

use serde::Serialize;
use verdikt_bench::measure::{floor_ns, median_ns};
use verdikt_bench::tokens::{Connected, Remembered, Verified};

#[derive(Serialize)]
pub(crate) struct Figures {
    floor_ns: f64,
    remembered_40_ns: f64,
    remembered_1024_ns: f64,
    connected_ns: f64,
    signature_ns: f64,
    verified_ns: f64,
}

pub(crate) fn measure() -> Result<Figures, Box<dyn std::error::Error>> {
    let remembered = |length| {
        let tokens = Remembered::new(length);
        median_ns(tokens.len(), || tokens.pass())
    };
    let connected = Connected::new()?;
    let verified = Verified::new()?;
    let several = |check: &dyn Fn() -> u64| median_ns(100, || (0..100).map(|_| check()).sum());
    Ok(Figures {
        floor_ns: floor_ns(),
        remembered_40_ns: remembered(40),
        remembered_1024_ns: remembered(1_024),
        connected_ns: median_ns(connected.len(), || connected.pass()),
        signature_ns: several(&|| verified.check_signature()),
        verified_ns: several(&|| verified.authenticate()),
    })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { floor_ns, signature_ns, .. } = *self;
        writeln!(f, "floor              {floor_ns:8.1} ns")?;
        for (name, ns, base) in [
            ("remembered, 40 B", self.remembered_40_ns, floor_ns),
            ("remembered, 1 KiB", self.remembered_1024_ns, floor_ns),
            ("X.509, connected", self.connected_ns, floor_ns),
            ("signature alone", signature_ns, signature_ns),
            ("verified, ES256", self.verified_ns, signature_ns),
        ] {
            writeln!(f, "{name:<18} {ns:8.1} ns  {:5.2}x", ns / base)?;
        }
        Ok(())
    }
}
