//! A vector whose copies share what neither has changed.
//!
//! Three levels of 64: a copy is one pointer, and changing an element of a vector that has been copied
//! copies the leaf it lies in and the two nodes above, however long the vector is.

use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct CowVec<T> {
    root: Arc<[Branch<T>]>,
    len: usize,
}

type Branch<T> = Arc<[Leaf<T>; FAN]>;
type Leaf<T> = Arc<[T; FAN]>;

impl<T: Clone + Default> CowVec<T> {
    pub(crate) fn new() -> Self {
        Self { root: Arc::from([]), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let branch = self.root.get(index / (FAN * FAN))?;
        branch.get(index / FAN % FAN)?.get(index % FAN)
    }

    /// An element to be changed.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let branch = Arc::make_mut(&mut self.root).get_mut(index / (FAN * FAN))?;
        let leaf = Arc::make_mut(branch).get_mut(index / FAN % FAN)?;
        Arc::make_mut(leaf).get_mut(index % FAN)
    }

    /// Adds an element, and tells its index.
    pub(crate) fn push(&mut self, value: T) -> usize {
        let index = self.len;
        if index / (FAN * FAN) == self.root.len() {
            let empty: Leaf<T> = Arc::new(std::array::from_fn(|_| T::default()));
            let branch = Arc::new(std::array::from_fn(|_| Arc::clone(&empty)));
            self.root = self.root.iter().cloned().chain([branch]).collect();
        }
        self.len += 1;
        if let Some(slot) = self.get_mut(index) {
            *slot = value;
        }
        index
    }

    /// Takes the last element away.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let last = self.len.checked_sub(1)?;
        let value = self.get_mut(last).map(std::mem::take);
        self.len = last;
        value
    }

    /// Those that are there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.root
            .iter()
            .flat_map(|branch| branch.iter())
            .flat_map(|leaf| leaf.iter())
            .take(self.len)
    }

    /// Bytes on the heap, without what the elements own.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.root.len() * (1 + FAN) * size_of::<usize>()
            + self.len.div_ceil(FAN) * FAN * size_of::<T>()
    }
}

impl<T: Clone + Default> FromIterator<T> for CowVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut values = values.into_iter().peekable();
        let empty: Leaf<T> = Arc::new(std::array::from_fn(|_| T::default()));
        let (mut root, mut len) = (Vec::new(), 0);
        while values.peek().is_some() {
            let branch: [Leaf<T>; FAN] = std::array::from_fn(|_| {
                if values.peek().is_none() {
                    return Arc::clone(&empty);
                }
                Arc::new(std::array::from_fn(|_| {
                    let value = values.next();
                    len += usize::from(value.is_some());
                    value.unwrap_or_default()
                }))
            });
            root.push(Arc::new(branch));
        }
        Self { root: root.into(), len }
    }
}

impl<T: Clone + Default> Default for CowVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

const FAN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_as_it_was() {
        let mut vector = CowVec::new();
        for value in 0..10_000_u32 {
            assert_eq!(vector.push(value), value as usize);
        }
        assert!((0..10_000_u32).collect::<CowVec<_>>().iter().eq(vector.iter()));
        let copy = vector.clone();
        for index in (0..10_000).step_by(97) {
            *vector.get_mut(index).unwrap() += 1;
        }
        assert_eq!(vector.pop(), Some(9_999));
        vector.push(7);
        assert!(copy.iter().copied().eq(0..10_000));
        assert_eq!(
            (vector.get(97), vector.get(98), vector.get(9_999)),
            (Some(&98), Some(&98), Some(&7))
        );
        assert_eq!(vector.len(), 10_000);
    }

    #[test]
    fn beyond_the_end_there_is_nothing() {
        let mut vector: CowVec<u8> = CowVec::new();
        assert_eq!(vector.get(0), None);
        assert_eq!(vector.pop(), None);
        vector.push(1);
        assert_eq!((vector.pop(), vector.pop()), (Some(1), None));
        assert_eq!(vector.get(FAN * FAN), None);
    }
}
