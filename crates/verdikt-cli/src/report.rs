//! Findings as a compiler shows them: the line, the word, and what to do.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _, Write as _};

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents,
};
use verdikt::{Diagnostic, Label, Severity};

/// Shows findings in full on standard error.
pub(crate) fn to_stderr(found: &[Diagnostic]) -> io::Result<()> {
    let text = in_full(found) + &count(found) + "\n";
    anstream::stderr().lock().write_all(text.as_bytes())
}

/// Shows findings on standard error, one a line.
pub(crate) fn lines_to_stderr(found: &[Diagnostic]) -> io::Result<()> {
    let mut err = anstream::stderr().lock();
    found.iter().try_for_each(|finding| writeln!(err, "{finding}"))
}

/// All findings, each with the place it is about.
pub(crate) fn in_full(found: &[Diagnostic]) -> String {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || !io::stderr().is_terminal();
    let theme =
        if is_plain { GraphicalTheme::unicode_nocolor() } else { GraphicalTheme::unicode() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(100)
        .with_context_lines(0)
        .with_links(false);
    let mut text = String::new();
    for finding in found {
        // Writing to a string cannot fail; should a place be out of bounds, the line says it as well.
        if handler.render_report(&mut text, &Shown::new(finding)).is_err() {
            let _ = write!(text, "{finding}");
        }
        for label in &finding.related {
            let _ = handler.render_report(&mut text, &Related::new(label));
        }
        text.push('\n');
    }
    text
}

/// `2 errors, 1 warning`, and notes if there are any.
pub(crate) fn count(found: &[Diagnostic]) -> String {
    let words = |severity: Severity| match number_of(found, severity) {
        1 => format!("1 {severity}"),
        number => format!("{number} {severity}s"),
    };
    let mut text = format!("{}, {}", words(Severity::Error), words(Severity::Warning));
    if number_of(found, Severity::Note) > 0 {
        text += &format!(", {}", words(Severity::Note));
    }
    text
}

/// How many findings are exactly this bad.
pub(crate) fn number_of(found: &[Diagnostic], severity: Severity) -> usize {
    found.iter().filter(|finding| finding.severity == severity).count()
}

/// Text that cannot move the cursor, change colours or turn the direction of what follows: what would
/// is replaced by one visible character, so that columns stay right.
pub(crate) fn printable(text: &str) -> String {
    let visible = |c: char| match c {
        '\t' => ' ',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => c,
    };
    text.chars().map(visible).collect()
}

/// A finding in miette's terms.
#[derive(Debug)]
struct Shown<'a> {
    finding: &'a Diagnostic,
    excerpt: Option<Excerpt>,
}

/// Another place that belongs to a finding.
#[derive(Debug)]
struct Related {
    text: String,
    excerpt: Excerpt,
}

/// One line of a file, with the marked word.
#[derive(Debug)]
struct Excerpt {
    name: String,
    line: String,
    line_number: usize,
    /// What the heading says; the excerpt itself begins where its line does.
    column: usize,
    span: (usize, usize),
    text: String,
}

impl Excerpt {
    fn new(label: &Label) -> Self {
        let mut line = printable(&label.excerpt);
        let column = label.place.column.saturating_sub(label.excerpt_column.max(1)) as usize;
        // What is missing at the end of a line is marked behind it.
        if !line.is_empty() && line.chars().count() == column {
            line.push(' ');
        }
        let byte =
            |column: usize| line.char_indices().nth(column).map_or(line.len(), |(byte, _)| byte);
        let start = byte(column);
        let span = (start, byte(column + label.length as usize) - start);
        Self {
            name: printable(&label.place.file),
            line_number: label.place.line.saturating_sub(1) as usize,
            column: label.place.column.saturating_sub(1) as usize,
            span,
            text: printable(&label.text),
            line,
        }
    }

    fn labels(&self) -> Box<dyn Iterator<Item = LabeledSpan>> {
        let (start, length) = self.span;
        let text = (!self.text.is_empty()).then(|| self.text.clone());
        Box::new(std::iter::once(LabeledSpan::new(text, start, length)))
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // The line is all there is, whatever part of it is asked for.
        if span.offset() + span.len() > self.line.len() {
            return Err(MietteError::OutOfBounds);
        }
        let all = SourceSpan::new(0.into(), self.line.len());
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            self.line.as_bytes(),
            all,
            self.line_number,
            self.column,
            1,
        )))
    }
}

impl<'a> Shown<'a> {
    fn new(finding: &'a Diagnostic) -> Self {
        Self { finding, excerpt: finding.primary.as_ref().map(Excerpt::new) }
    }
}

impl Related {
    fn new(label: &Label) -> Self {
        let mut excerpt = Excerpt::new(label);
        let text = std::mem::take(&mut excerpt.text);
        Self { text, excerpt }
    }
}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.finding.id))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Note => miette::Severity::Advice,
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = &self.finding.help;
        (!help.is_empty()).then(|| Box::new(printable(help)) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.excerpt.as_ref().map(|excerpt| excerpt.labels() as _)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.finding.message))
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Related {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(self.excerpt.labels())
    }
}

impl fmt::Display for Related {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "see also" } else { &self.text })
    }
}

impl std::error::Error for Related {}
