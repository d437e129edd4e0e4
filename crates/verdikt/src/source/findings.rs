//! Collects diagnostics up to a bound, without ever losing that there was an error.

use verdikt_parser::Diagnostic;

use super::listing::Bounds;

#[derive(Debug)]
pub(super) struct Findings {
    kept: Vec<Diagnostic>,
    most: usize,
}

impl Findings {
    pub(super) fn new(bounds: &Bounds) -> Self {
        Self { kept: Vec::new(), most: bounds.diagnostics }
    }

    /// Beyond the bound only the first error is kept: without it, a refusal would look like success.
    pub(super) fn push(&mut self, finding: Diagnostic) {
        if self.kept.len() < self.most || (finding.is_error() && !self.has_error()) {
            self.kept.push(finding);
        }
    }

    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Diagnostic>) {
        for finding in findings {
            self.push(finding);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn has_error(&self) -> bool {
        self.kept.iter().any(Diagnostic::is_error)
    }

    pub(super) fn into_vec(self) -> Vec<Diagnostic> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use verdikt_parser::Limits;

    use super::*;

    #[test]
    fn the_bound_never_hides_that_there_was_an_error() {
        let mut bounds = Bounds::new(&Limits::default());
        bounds.diagnostics = 1;
        let mut findings = Findings::new(&bounds);
        findings.push(Diagnostic::warning("w", "first"));
        findings.push(Diagnostic::warning("w", "second"));
        findings.push(Diagnostic::error("e", "third"));
        findings.push(Diagnostic::error("e", "fourth"));
        let kept: Vec<_> = findings.into_vec().into_iter().map(|found| found.message).collect();
        assert_eq!(kept, ["first", "third"]);
    }
}
