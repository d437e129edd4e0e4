//! A binding as bytes: what reasons, explanations and the last comparison before an allow need of it.
//!
//! Numbers take as few bytes as they need (LEB128), texts stand behind their lengths:
//! namespace, name, role, the length of the subjects, the subjects, file, line. The subjects come before
//! the place, so that a binding that only moved within its file keeps them where they are.

use verdikt_core::{User, same};
use verdikt_parser::rbac::{Binding, Subject};

use super::roles::RoleId;
use crate::number::as_u32;

/// A binding, read from its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'t> {
    /// Empty for a ClusterRoleBinding.
    pub(super) namespace: &'t str,
    pub(super) name: &'t str,
    pub(super) role: RoleId,
    /// The bytes of its subjects.
    subjects: &'t [u8],
    pub(super) place: PlaceRecord,
}

/// A subject as it stands in a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SubjectRecord<'t> {
    pub(super) kind: SubjectKind,
    pub(super) name: &'t [u8],
    /// Namespace of a service account, the binding's own filled in.
    pub(super) namespace: &'t [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubjectKind {
    User,
    Group,
    ServiceAccount,
    /// Matches nobody.
    Other,
}

/// A line of one of the table's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PlaceRecord {
    pub(super) file: u32,
    pub(super) line: u32,
}

/// Adds the bytes of a binding to `out`, and tells of each subject where it starts in them.
pub(super) fn write(
    binding: &Binding,
    namespace: &str,
    role: RoleId,
    place: PlaceRecord,
    out: &mut Vec<u8>,
    mut subject_at: impl FnMut(u32, SubjectRecord<'_>),
) {
    let start = out.len();
    write_text(namespace, out);
    write_text(&binding.name, out);
    write_number(role.0, out);
    let subjects = || binding.subjects.iter().map(|subject| SubjectRecord::of(subject, namespace));
    let len: usize = subjects().map(SubjectRecord::len).sum();
    write_number(as_u32(len), out);
    for subject in subjects() {
        subject_at(as_u32(out.len() - start), subject);
        subject.write(out);
    }
    write_number(place.file, out);
    write_number(place.line, out);
}

impl<'t> Record<'t> {
    /// None for bytes that are no record, such as none at all.
    pub(super) fn read(bytes: &'t [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let namespace = reader.text()?;
        let name = reader.text()?;
        let role = RoleId(reader.number()?);
        let subjects = reader.text()?;
        let place = PlaceRecord { file: reader.number()?, line: reader.number()? };
        let [namespace, name] = [namespace, name].map(std::str::from_utf8);
        Some(Self { namespace: namespace.ok()?, name: name.ok()?, role, subjects, place })
    }

    pub(super) fn subjects(self) -> impl Iterator<Item = SubjectRecord<'t>> {
        self.subjects_at().map(|(_, subject)| subject)
    }

    /// Its subjects, and where each starts in [`Self::subjects`].
    fn subjects_at(self) -> impl Iterator<Item = (usize, SubjectRecord<'t>)> {
        let mut reader = Reader(self.subjects);
        let len = self.subjects.len();
        std::iter::from_fn(move || Some((len - reader.0.len(), reader.subject()?)))
    }

    /// Whether the two differ at most in where they stand.
    pub(super) fn is_like(self, other: Self) -> bool {
        self.role == other.role && self.subjects == other.subjects
    }

    /// The first subject that is this user.
    pub(super) fn applying_subject(self, user: &User) -> Option<SubjectRecord<'t>> {
        self.subjects().find(|subject| subject.applies(user))
    }
}

/// Namespace and name of a binding, without the rest.
#[inline]
pub(super) fn key(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = Reader(bytes);
    Some((reader.text()?, reader.text()?))
}

/// Namespace of a binding, and the subject that starts at `at`.
#[inline]
pub(super) fn subject_at(bytes: &[u8], at: u32) -> Option<(&[u8], SubjectRecord<'_>)> {
    let namespace = Reader(bytes).text()?;
    Some((namespace, Reader(bytes.get(at as usize..)?).subject()?))
}

impl<'s> SubjectRecord<'s> {
    pub(super) fn of(subject: &'s Subject, binding_namespace: &'s str) -> Self {
        let kind = match subject.kind.as_str() {
            "User" => SubjectKind::User,
            "Group" => SubjectKind::Group,
            "ServiceAccount" => SubjectKind::ServiceAccount,
            _ => SubjectKind::Other,
        };
        let namespace = match (kind, subject.namespace.as_str()) {
            (SubjectKind::ServiceAccount, "") => binding_namespace,
            (SubjectKind::ServiceAccount, namespace) => namespace,
            _ => "",
        };
        Self { kind, name: subject.name.as_bytes(), namespace: namespace.as_bytes() }
    }

    /// The name as text.
    pub(super) fn name(&self) -> &'s str {
        std::str::from_utf8(self.name).unwrap_or_default()
    }

    /// The namespace as text.
    pub(super) fn namespace(&self) -> &'s str {
        std::str::from_utf8(self.namespace).unwrap_or_default()
    }

    /// Whether it names this user, or a group of theirs.
    fn applies(&self, user: &User) -> bool {
        self.is(&user.name, true) || user.groups.iter().any(|group| self.is(group, false))
    }

    /// Whether it names the user of this name, or else the group.
    #[inline]
    pub(super) fn is(&self, text: &str, is_user: bool) -> bool {
        match self.kind {
            SubjectKind::User => is_user && same(self.name, text.as_bytes()),
            SubjectKind::Group => !is_user && same(self.name, text.as_bytes()),
            SubjectKind::ServiceAccount => is_user && self.is_service_account(text.as_bytes()),
            SubjectKind::Other => false,
        }
    }

    /// Whether `user` is `system:serviceaccount:NAMESPACE:NAME`, compared as text.
    fn is_service_account(&self, user: &[u8]) -> bool {
        let name = user
            .strip_prefix(SERVICE_ACCOUNT)
            .and_then(|rest| rest.strip_prefix(self.namespace))
            .and_then(|rest| rest.strip_prefix(b":"));
        !self.namespace.is_empty() && name == Some(self.name)
    }

    fn len(self) -> usize {
        let text = |text: &[u8]| number_len(as_u32(text.len())) + text.len();
        let namespace = match self.kind {
            SubjectKind::ServiceAccount => text(self.namespace),
            _ => 0,
        };
        1 + text(self.name) + namespace
    }

    fn write(self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        write_bytes(self.name, out);
        if self.kind == SubjectKind::ServiceAccount {
            write_bytes(self.namespace, out);
        }
    }
}

struct Reader<'t>(&'t [u8]);

impl<'t> Reader<'t> {
    #[inline]
    fn number(&mut self) -> Option<u32> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        if first < 0x80 { Some(first.into()) } else { self.long_number(first) }
    }

    fn long_number(&mut self, first: u8) -> Option<u32> {
        let mut number = u32::from(first & 0x7f);
        for shift in [7, 14, 21, 28] {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    #[inline]
    fn text(&mut self) -> Option<&'t [u8]> {
        let len = self.number()? as usize;
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(text)
    }

    #[inline]
    fn subject(&mut self) -> Option<SubjectRecord<'t>> {
        let (&kind, rest) = self.0.split_first()?;
        self.0 = rest;
        let kind = match kind {
            0 => SubjectKind::User,
            1 => SubjectKind::Group,
            2 => SubjectKind::ServiceAccount,
            _ => SubjectKind::Other,
        };
        let name = self.text()?;
        let namespace = match kind {
            SubjectKind::ServiceAccount => self.text()?,
            _ => &[],
        };
        Some(SubjectRecord { kind, name, namespace })
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_bytes(text.as_bytes(), out);
}

fn write_bytes(text: &[u8], out: &mut Vec<u8>) {
    write_number(as_u32(text.len()), out);
    out.extend_from_slice(text);
}

fn write_number(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn number_len(number: u32) -> usize {
    (u32::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize
}

/// What user names of service accounts start with.
pub(super) const SERVICE_ACCOUNT: &[u8] = b"system:serviceaccount:";

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(kind: &str, name: &str, namespace: &str) -> Subject {
        let [kind, name, namespace] = [kind, name, namespace].map(str::to_owned);
        Subject { kind, name, namespace, ..Subject::default() }
    }

    #[test]
    fn what_is_written_is_read() {
        let long = "ä".repeat(10_000);
        for (namespace, name, role, line) in
            [("", "b", 0, 0), ("web", &*long, 127, 128), (&*long, "", 1 << 31, u32::MAX)]
        {
            let subjects = vec![
                subject("User", "jane", "ignored"),
                subject("Group", &long, ""),
                subject("ServiceAccount", "app", "other"),
                subject("ServiceAccount", "app", ""),
                subject("Robot", "r2", ""),
            ];
            let binding = Binding { name: name.to_owned(), subjects, ..Binding::default() };
            let (mut bytes, mut starts) = (vec![1, 2, 3], Vec::new());
            let place = PlaceRecord { file: 3, line };
            write(&binding, namespace, RoleId(role), place, &mut bytes, |at, subject| {
                starts.push((at, (subject.kind, subject.name().to_owned())));
            });
            let bytes = &bytes[3..];
            let record = Record::read(bytes).unwrap();
            assert_eq!((record.namespace, record.name, record.role.0), (namespace, name, role));
            assert_eq!(record.place, place);
            let read: Vec<SubjectRecord<'_>> = record.subjects().collect();
            let wanted: Vec<SubjectRecord<'_>> =
                binding.subjects.iter().map(|s| SubjectRecord::of(s, namespace)).collect();
            assert_eq!(read, wanted);
            for ((at, found), wanted) in starts.iter().zip(&wanted) {
                assert_eq!(found, &(wanted.kind, wanted.name().to_owned()));
                assert_eq!(subject_at(bytes, *at), Some((namespace.as_bytes(), *wanted)));
            }
            for len in 0..bytes.len().min(300) {
                assert!(Record::read(&bytes[..len]).is_none(), "{len}");
            }
        }
    }
}
