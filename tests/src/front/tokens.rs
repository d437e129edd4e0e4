//! Users by tokens of a file, for fronts that are shown credentials.

use std::borrow::Cow;

use verdikt_core::{User, groups, users};

use crate::wire::Request;

/// Users that a token file can name; each has a token by its place among them.
#[derive(Clone, Debug)]
pub struct Tokens {
    users: Vec<User>,
}

impl Tokens {
    /// A token for each user of these requests who can have one, as they are once they have shown it.
    pub fn of<'r>(requests: impl IntoIterator<Item = &'r Request>) -> Self {
        let mut users: Vec<User> = Vec::new();
        for request in requests {
            let Request { user, .. } = &*authenticated(request);
            if can_be_named(user) && !users.contains(user) {
                users.push(user.clone());
            }
        }
        Self { users }
    }

    /// The file.
    pub fn file(&self) -> String {
        let line = |(place, user): (usize, &User)| {
            let User { name, uid, groups, .. } = user;
            let columns = [&token(place), name, uid, &groups.join(",")];
            columns.map(|text| format!("\"{}\"", text.replace('"', "\"\""))).join(",") + "\n"
        };
        self.users.iter().enumerate().map(line).collect()
    }

    /// The token of a user, if they have one.
    pub fn token(&self, user: &User) -> Option<String> {
        self.users.iter().position(|known| known == user).map(token)
    }
}

/// The question with the group that whoever shows a token is in.
pub(super) fn authenticated(request: &Request) -> Cow<'_, Request> {
    let user = &request.user;
    let is_decided = user.name == users::ANONYMOUS
        || user.is_in(groups::AUTHENTICATED)
        || user.is_in(groups::UNAUTHENTICATED);
    if is_decided {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    request.user.groups.push(groups::AUTHENTICATED.to_owned());
    Cow::Owned(request)
}

/// Whether a line of a file says all that is to be said of a user: it knows no extra, parts groups at commas,
/// and ends lines in one way.
fn can_be_named(User { name, uid, groups, extra }: &User) -> bool {
    let mut texts = groups.iter().chain([name, uid]);
    extra.is_empty()
        && !groups.iter().any(|group| group.contains(','))
        && !matches!(groups.as_slice(), [group] if group.is_empty())
        && !texts.any(|text| text.contains(['\r', '\n']))
}

fn token(place: usize) -> String {
    format!("token-{place}")
}
