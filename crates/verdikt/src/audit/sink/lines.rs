//! Lines one behind the other, so that many of them are one piece of memory, and one call to write.

/// Whole lines, and where each of them ends.
#[derive(Debug, Default)]
pub(in crate::audit) struct Lines {
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// Some of the lines, borrowed.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Slice<'a> {
    text: &'a [u8],
    ends: &'a [usize],
    /// Where `text` begins, on the scale of `ends`.
    start: usize,
}

impl Lines {
    /// Adds a line, given in parts.
    pub(in crate::audit) fn push(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.text.extend_from_slice(part));
        self.ends.push(self.text.len());
    }

    /// Adds a line that `write` writes, unless it fails.
    pub(in crate::audit) fn push_with<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        write(&mut self.text)?;
        self.ends.push(self.text.len());
        Ok(())
    }

    /// The lines, one by one.
    pub(in crate::audit) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ends = starts.zip(&self.ends);
        ends.map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }

    /// Makes room for so many bytes.
    pub(in crate::audit) fn reserve(&mut self, bytes: usize) {
        self.text.reserve(bytes);
    }

    pub(in crate::audit) fn count(&self) -> usize {
        self.ends.len()
    }

    pub(in crate::audit) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Bytes of memory that are kept.
    pub(in crate::audit) fn bytes_kept(&self) -> usize {
        self.text.capacity()
    }

    /// Takes all lines out, and keeps the memory.
    pub(in crate::audit) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// The lines from `first` on, at most `count` of them.
    pub(in crate::audit) fn slice(&self, first: usize, count: usize) -> Slice<'_> {
        Slice { text: &self.text, ends: &self.ends, start: 0 }.after(first).first(count)
    }
}

impl<'a> Slice<'a> {
    /// A single line.
    pub(in crate::audit) fn one(line: &'a [u8], end: &'a [usize; 1]) -> Self {
        Self { text: line, ends: end, start: 0 }
    }

    pub(in crate::audit) fn count(self) -> usize {
        self.ends.len()
    }

    pub(in crate::audit) fn text(self) -> &'a [u8] {
        self.text
    }

    /// Bytes of the first line.
    pub(in crate::audit) fn first_bytes(self) -> usize {
        self.ends.first().map_or(0, |end| end - self.start)
    }

    /// How many of the lines have no more than so many bytes together.
    pub(in crate::audit) fn fitting(self, bytes: u64) -> usize {
        self.ends.partition_point(|end| (end - self.start) as u64 <= bytes)
    }

    /// The first lines, at most so many.
    pub(in crate::audit) fn first(self, count: usize) -> Self {
        let ends = self.ends.get(..count).unwrap_or(self.ends);
        let bytes = ends.last().map_or(0, |end| end - self.start);
        Self { text: self.text.get(..bytes).unwrap_or_default(), ends, start: self.start }
    }

    /// What follows the first lines.
    pub(in crate::audit) fn after(self, count: usize) -> Self {
        let bytes = self.first(count).text.len();
        Self {
            text: self.text.get(bytes..).unwrap_or_default(),
            ends: self.ends.get(count..).unwrap_or_default(),
            start: self.start + bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_from_either_end() {
        let mut lines = Lines::default();
        for line in ["a\n", "bb\n", "ccc\n"] {
            lines.push(&[line.as_bytes()]);
        }
        let check = |slice: Slice<'_>, text: &str, count: usize| {
            assert_eq!((slice.text(), slice.count()), (text.as_bytes(), count));
        };
        let all = lines.slice(0, 9);
        check(all, "a\nbb\nccc\n", 3);
        check(lines.slice(1, 1), "bb\n", 1);
        check(lines.slice(3, 1), "", 0);
        check(all.after(1).first(1), "bb\n", 1);
        check(all.after(1).after(1), "ccc\n", 1);
        assert_eq!(all.fitting(4), 1);
        assert_eq!(all.after(1).fitting(7), 2);
        assert_eq!((all.after(2).first_bytes(), all.after(3).first_bytes()), (4, 0));
    }
}
