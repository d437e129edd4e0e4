//! Users, to messages and back.

use verdikt::User;

use super::proto::v1;

impl From<v1::User> for User {
    fn from(user: v1::User) -> Self {
        let v1::User { name, uid, groups, extra } = user;
        let extra = extra.into_iter().map(|(key, v1::ExtraValues { values })| (key, values));
        Self { name, uid, groups, extra: extra.collect() }
    }
}

impl From<&User> for v1::User {
    fn from(user: &User) -> Self {
        let User { name, uid, groups, extra } = user.clone();
        let extra = extra.into_iter().map(|(key, values)| (key, v1::ExtraValues { values }));
        Self { name, uid, groups, extra: extra.collect() }
    }
}
