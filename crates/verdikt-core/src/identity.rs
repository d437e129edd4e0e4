//! A user whose subjects have been hashed once, so that deciding need not hash them again.

use std::ops::Deref;

use crate::{HashKey, User};

/// The hashes of a user's name and groups under one [`HashKey`].
#[derive(Clone, Debug)]
pub struct Subjects {
    key: u64,
    name: u64,
    groups: Vec<u64>,
}

/// A user together with its [`Subjects`]; what authenticators keep with a credential.
#[derive(Clone, Debug)]
pub struct Identity {
    user: User,
    subjects: Subjects,
}

/// Who asks: a bare [`User`], or an [`Identity`], which is cheaper to decide for.
#[derive(Clone, Copy, Debug)]
pub struct Requester<'a> {
    user: &'a User,
    subjects: Option<&'a Subjects>,
}

impl Subjects {
    /// Hashes the name and groups of `user`.
    pub fn resolve(user: &User, key: &HashKey) -> Self {
        Self {
            key: key.id(),
            name: key.user(&user.name),
            groups: user.groups.iter().map(|group| key.group(group)).collect(),
        }
    }

    /// Begins with a user who is in no group yet.
    pub(crate) fn restart(&mut self, key: &HashKey, name: &str) {
        self.key = key.id();
        self.name = key.user(name);
        self.groups.clear();
    }

    pub(crate) fn add_group(&mut self, hash: u64) {
        self.groups.push(hash);
    }

    /// Hash of the user name.
    #[inline]
    pub fn name(&self) -> u64 {
        self.name
    }

    /// Hashes of the groups, in the user's order.
    #[inline]
    pub fn groups(&self) -> &[u64] {
        &self.groups
    }
}

impl Identity {
    /// Resolves `user` under `key`.
    pub fn new(user: User, key: &HashKey) -> Self {
        let subjects = Subjects::resolve(&user, key);
        Self { user, subjects }
    }

    /// The user.
    pub fn user(&self) -> &User {
        &self.user
    }
}

impl Deref for Identity {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

impl<'a> Requester<'a> {
    /// A user with subjects that are theirs.
    pub(crate) fn resolved(user: &'a User, subjects: &'a Subjects) -> Self {
        Self { user, subjects: Some(subjects) }
    }

    /// The user.
    #[inline]
    pub fn user(&self) -> &'a User {
        self.user
    }

    /// The user's subjects, if they have been resolved under this very `key`.
    #[inline]
    pub fn subjects(&self, key: &HashKey) -> Option<&'a Subjects> {
        self.subjects.filter(|subjects| subjects.key == key.id())
    }
}

impl Deref for Requester<'_> {
    type Target = User;

    fn deref(&self) -> &User {
        self.user
    }
}

impl<'a> From<&'a User> for Requester<'a> {
    fn from(user: &'a User) -> Self {
        Self { user, subjects: None }
    }
}

impl<'a> From<&'a Identity> for Requester<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self { user: &identity.user, subjects: Some(&identity.subjects) }
    }
}
