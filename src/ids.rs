//! Vectors whose elements have typed ids.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The id of an element of an [`IdVec`].
pub trait Id: Copy {
    /// Returns the id of the element at a place.
    fn new(index: usize) -> Self;

    /// Returns the place of the element.
    fn index(self) -> usize;
}

/// A vector that is indexed by the ids of its elements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdVec<I, T> {
    items: Vec<T>,
    #[serde(skip)]
    ids: PhantomData<fn(I) -> I>,
}

impl<I: Id, T> IdVec<I, T> {
    /// Returns a vector without elements.
    pub const fn new() -> Self {
        Self { items: Vec::new(), ids: PhantomData }
    }

    /// Adds an element, and returns its id.
    #[inline]
    pub fn push(&mut self, item: T) -> I {
        self.items.push(item);
        I::new(self.items.len() - 1)
    }

    /// Returns the id that the next element gets.
    #[inline]
    pub fn next_id(&self) -> I {
        I::new(self.items.len())
    }

    /// Returns the ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.items.len()).map(I::new)
    }

    /// Returns the elements in order, each with its id.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(at, item)| (I::new(at), item))
    }

    /// Returns the element with an id; `None` if the id is of another vector.
    #[inline]
    pub fn find(&self, id: I) -> Option<&T> {
        self.items.get(id.index())
    }

    /// Returns the element with an id, to change it; `None` if the id is of another vector.
    #[inline]
    pub fn find_mut(&mut self, id: I) -> Option<&mut T> {
        self.items.get_mut(id.index())
    }
}

impl<I, T> IdVec<I, T> {
    /// Returns the number of elements.
    #[inline]
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether there are no elements.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the first element, if there is one.
    pub fn first(&self) -> Option<&T> {
        self.items.first()
    }

    /// Removes the last element and returns it.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop()
    }

    /// Sorts the elements, which changes their ids.
    pub fn sort_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering) {
        self.items.sort_by(compare);
    }

    /// Returns the elements in order.
    #[inline]
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Returns the elements in order, to change them.
    #[inline]
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }
}

impl<I, T> Default for IdVec<I, T> {
    fn default() -> Self {
        Self { items: Vec::new(), ids: PhantomData }
    }
}

impl<I, T> From<Vec<T>> for IdVec<I, T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, ids: PhantomData }
    }
}

impl<I, T> FromIterator<T> for IdVec<I, T> {
    fn from_iter<A: IntoIterator<Item = T>>(items: A) -> Self {
        Self::from(Vec::from_iter(items))
    }
}

impl<I, T> Extend<T> for IdVec<I, T> {
    fn extend<A: IntoIterator<Item = T>>(&mut self, items: A) {
        self.items.extend(items);
    }
}

impl<I: Id, T> Index<I> for IdVec<I, T> {
    type Output = T;

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "an id is given out by the vector that it indexes")]
    fn index(&self, id: I) -> &T {
        &self.items[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for IdVec<I, T> {
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "an id is given out by the vector that it indexes")]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }
}

impl<I, T> IntoIterator for IdVec<I, T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'v, I, T> IntoIterator for &'v IdVec<I, T> {
    type Item = &'v T;
    type IntoIter = std::slice::Iter<'v, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<'v, I, T> IntoIterator for &'v mut IdVec<I, T> {
    type Item = &'v mut T;
    type IntoIter = std::slice::IterMut<'v, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter_mut()
    }
}

/// Declares a type of ids that are stored as `u16` or `u32`.
macro_rules! id {
    ($(#[$doc:meta])* $visibility:vis struct $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        $visibility struct $name($number);

        impl $name {
            /// Returns the id of the element at a place.
            #[inline]
            $visibility fn new(index: usize) -> Self {
                // A place that the number cannot hold becomes the place of no element, so that its use panics.
                Self(<$number>::try_from(index).unwrap_or(<$number>::MAX))
            }

            /// Returns the place of the element.
            #[inline]
            $visibility const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl $crate::ids::Id for $name {
            #[inline]
            fn new(index: usize) -> Self {
                Self::new(index)
            }

            #[inline]
            fn index(self) -> usize {
                self.index()
            }
        }
    };
}
pub(crate) use id;

#[cfg(test)]
mod tests {
    use super::*;

    id! {
        /// The id of a letter.
        struct LetterId(u32)
    }

    #[test]
    fn an_id_finds_the_element_that_it_was_given_out_for() {
        let mut letters = IdVec::<LetterId, char>::new();
        let (a, b) = (letters.push('a'), letters.push('b'));
        letters[a] = 'c';
        assert_eq!((letters[a], letters[b]), ('c', 'b'));
        assert_eq!(letters.find(letters.next_id()), None);
        assert_eq!(letters.ids().collect::<Vec<_>>(), [a, b]);
        assert_eq!(letters.entries().map(|(id, letter)| (id, *letter)).collect::<Vec<_>>(), [(a, 'c'), (b, 'b')]);
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn an_id_of_another_vector_is_not_an_element() {
        let letters = IdVec::<LetterId, char>::from(vec!['a']);
        let _ = letters[LetterId::new(1)];
    }

    #[test]
    fn a_place_beyond_the_ids_is_the_place_of_no_element() {
        assert_eq!(LetterId::new(usize::MAX).index(), u32::MAX as usize);
    }
}
