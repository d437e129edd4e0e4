//! The name of an object in one cache line.

use std::sync::Arc;

use verdikt_core::same;

/// What can be reached, and whence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Kind {
    #[default]
    Node,
    Pod,
    Secret,
    ConfigMap,
    Claim,
    Volume,
    ResourceClaim,
    ServiceAccount,
    VolumeAttachment,
    ResourceSlice,
    PodCertificateRequest,
}

impl Kind {
    /// As people speak of it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Pod => "pod",
            Self::Secret => "secret",
            Self::ConfigMap => "config map",
            Self::Claim => "persistent volume claim",
            Self::Volume => "persistent volume",
            Self::ResourceClaim => "resource claim",
            Self::ServiceAccount => "service account",
            Self::VolumeAttachment => "volume attachment",
            Self::ResourceSlice => "resource slice",
            Self::PodCertificateRequest => "pod certificate request",
        }
    }
}

/// Kind, namespace and name of an object. What is compared before anything is allowed lies in a single
/// cache line, but for names that are longer than nearly all are.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Record {
    kind: Kind,
    namespace_len: u8,
    name_len: u8,
    text: [u8; INLINE],
    /// Namespace and name, if they do not fit into `text`.
    long: Option<Arc<(Box<str>, Box<str>)>>,
}

impl Default for Record {
    fn default() -> Self {
        Self { kind: Kind::default(), namespace_len: 0, name_len: 0, text: [0; INLINE], long: None }
    }
}

impl Record {
    pub(super) fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        let mut record = Self { kind, ..Self::default() };
        let (left, right) = (namespace.as_bytes(), name.as_bytes());
        let end = left.len().saturating_add(right.len());
        let lengths = (u8::try_from(left.len()), u8::try_from(right.len()));
        if let (Ok(namespace_len), Ok(name_len)) = lengths
            && let Some(both) = record.text.get_mut(..end)
            && let Some((first, second)) = both.split_at_mut_checked(left.len())
        {
            first.copy_from_slice(left);
            second.copy_from_slice(right);
            (record.namespace_len, record.name_len) = (namespace_len, name_len);
        } else {
            record.long = Some(Arc::new((namespace.into(), name.into())));
        }
        record
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The namespace of the object; empty if it lies in none.
    pub(super) fn namespace(&self) -> &str {
        std::str::from_utf8(self.bytes().0).unwrap_or_default()
    }

    /// The name of the object.
    pub(super) fn name(&self) -> &str {
        std::str::from_utf8(self.bytes().1).unwrap_or_default()
    }

    /// Whether this is that object.
    #[inline]
    pub(super) fn is(&self, kind: Kind, namespace: &str, name: &str) -> bool {
        let (own_namespace, own_name) = self.bytes();
        self.kind == kind
            && same(own_name, name.as_bytes())
            && same(own_namespace, namespace.as_bytes())
    }

    #[inline]
    fn bytes(&self) -> (&[u8], &[u8]) {
        if let Some(long) = &self.long {
            return (long.0.as_bytes(), long.1.as_bytes());
        }
        let middle = usize::from(self.namespace_len);
        let end = middle + usize::from(self.name_len);
        let namespace = self.text.get(..middle).unwrap_or_default();
        (namespace, self.text.get(middle..end).unwrap_or_default())
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.long.as_ref().map_or(0, |long| long.0.len() + long.1.len() + 48)
    }
}

/// A cache line without the three bytes before and the pointer behind.
const INLINE: usize = 64 - 3 - size_of::<usize>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_fills_a_cache_line() {
        assert_eq!(size_of::<Record>(), 64);
    }

    #[test]
    fn names_are_kept_exactly_at_every_length() {
        for (namespace, name) in [(0, 0), (0, 1), (10, 43), (10, 44), (300, 3), (3, 300), (26, 27)]
        {
            let (namespace, name) = ("n".repeat(namespace), "ä".repeat(name));
            let record = Record::new(Kind::Secret, &namespace, &name);
            assert!(record.is(Kind::Secret, &namespace, &name), "{namespace}/{name}");
            assert!(!record.is(Kind::ConfigMap, &namespace, &name), "{namespace}/{name}");
            assert!(!record.is(Kind::Secret, &name, &format!("{namespace}x")));
        }
    }

    #[test]
    fn where_the_namespace_ends_matters() {
        assert!(!Record::new(Kind::Secret, "ab", "c").is(Kind::Secret, "a", "bc"));
    }
}
