//! A decision as plain data, the same for every front.

use std::collections::BTreeMap;

use serde::Serialize;
use verdikt_core::User;

use crate::Decision;
use crate::explanation::EffectName;

/// What `POST /v1/check` and `verdikt check -o json` answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Summary {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Which of the three answers it was.
    pub decision: EffectName,
    /// Why, in Kubernetes' words; may be empty.
    pub reason: String,
    /// Which policy decided.
    pub revision: u64,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserSummary>,
}

/// A user as plain data.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct UserSummary {
    /// [`User::name`].
    pub name: String,
    /// [`User::uid`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// [`User::groups`].
    pub groups: Vec<String>,
    /// [`User::extra`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Vec<String>>,
}

impl Decision<'_> {
    /// The decision as plain data, its reason in words.
    pub fn summary(&self) -> Summary {
        Summary {
            allowed: self.is_allowed(),
            decision: self.effect().into(),
            reason: self.reason_text(),
            revision: self.revision().0,
            user: self.user().map(UserSummary::from),
        }
    }
}

impl From<&User> for UserSummary {
    fn from(user: &User) -> Self {
        let User { name, uid, groups, extra } = user.clone();
        Self { name, uid, groups, extra }
    }
}
