//! Adds `system:authenticated` to whoever has been authenticated.
//!
//! Follows apiserver's `pkg/authentication/group`. It is done when users are read from files.

use verdikt_core::{User, groups, users};

/// The user with the group added last, unless they are anonymous or have it or its opposite.
pub(crate) fn add(mut user: User) -> User {
    let is_decided = user.name == users::ANONYMOUS
        || user.is_in(groups::AUTHENTICATED)
        || user.is_in(groups::UNAUTHENTICATED);
    if !is_decided {
        user.groups.push(groups::AUTHENTICATED.to_owned());
    }
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_added_last_and_once() {
        for (name, groups, expected) in [
            ("jane", vec!["dev"], vec!["dev", "system:authenticated"]),
            ("jane", vec!["system:authenticated", "dev"], vec!["system:authenticated", "dev"]),
            ("jane", vec!["system:unauthenticated"], vec!["system:unauthenticated"]),
            ("system:anonymous", vec![], vec![]),
        ] {
            assert_eq!(add(User::new(name, groups)).groups, expected, "{name}");
        }
    }
}
