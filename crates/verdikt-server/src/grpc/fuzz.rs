//! What must hold of every message, for the fuzz target: it is read or refused, and answered or refused.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{Extensions, HeaderMap};
use prost::Message as _;
use tokio::sync::watch;
use tonic::Code;
use tonic::metadata::MetadataMap;
use verdikt::Engine;

use super::batch::Message;
use super::call::{App, Call};
use super::codec::{CheckBatchRequest, CheckRequest};
use super::deadline::Deadline;
use super::proto::v1;
use super::question::Question;
use super::{authenticate, batch, check, explain, rules};
use crate::listener::Access;

/// The bytes as each message that is read here.
pub(crate) fn messages(engine: &Engine, bytes: &[u8]) {
    let stopping = watch::Sender::new(false).subscribe();
    let app =
        Arc::new(App { engine: engine.clone(), access: Access::Open, inflight: None, stopping });
    // A call without metadata has no deadline, and so none that could be wrong.
    let Ok(deadline) = Deadline::of(&MetadataMap::new()) else { return };
    let brought = (HeaderMap::new(), Extensions::new());
    let call = Call::new(app, engine.snapshot(), "/fuzz", brought, deadline);
    if let Ok(question) = v1::CheckRequest::decode(bytes) {
        let explained =
            explain::answer(&call, v1::ExplainRequest { question: Some(question.clone()) });
        if let Some(plain) = Question::plain(bytes) {
            assert_eq!(format!("{plain:?}"), format!("{:?}", Question::of(&question)));
        }
        let message = CheckRequest::from(Bytes::copy_from_slice(bytes));
        assert_eq!(message.at_least_revision(), question.at_least_revision);
        let checked = check::answer(&call, message);
        assert_eq!(explained.is_ok(), checked.is_ok());
        match checked {
            Ok(answer) => {
                assert_eq!(answer.allowed, answer.decision() == v1::Decision::Allow);
                assert_ne!(answer.decision(), v1::Decision::Unspecified);
            }
            Err(status) => assert_ne!(status.code(), Code::Internal, "{status}"),
        }
    } else {
        assert!(Question::plain(bytes).is_none());
    }
    if let Ok(question) = v1::CheckBatchRequest::decode(bytes) {
        let (asked, with_reasons) = (question.questions.len(), question.with_reasons);
        if let Some(plain) = Message::plain(bytes) {
            assert_eq!(plain, Message::of(&question));
        }
        let message = CheckBatchRequest::from(Bytes::copy_from_slice(bytes));
        assert_eq!(message.at_least_revision(), question.at_least_revision);
        if let Ok(answer) = batch::answer(&call, message) {
            assert_eq!(answer.decisions.len(), asked);
            assert_eq!(answer.reason_numbers.len(), if with_reasons { asked } else { 0 });
        }
    } else {
        assert!(Message::plain(bytes).is_none());
    }
    if let Ok(question) = v1::AuthenticateRequest::decode(bytes) {
        drop(authenticate::answer(&call, question));
    }
    if let Ok(question) = v1::RulesForRequest::decode(bytes) {
        drop(rules::answer(&call, question));
    }
}
