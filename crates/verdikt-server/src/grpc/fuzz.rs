//! What must hold of every message, for the fuzz target: it is read or refused, and answered or refused.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap};
use prost::Message as _;
use tokio::sync::watch;
use tonic::Code;
use tonic::metadata::MetadataMap;
use verdikt::Engine;

use super::call::{App, Call};
use super::deadline::Deadline;
use super::proto::v1;
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
        let checked = check::answer(&call, question);
        assert_eq!(explained.is_ok(), checked.is_ok());
        match checked {
            Ok(answer) => {
                assert_eq!(answer.allowed, answer.decision() == v1::Decision::Allow);
                assert_ne!(answer.decision(), v1::Decision::Unspecified);
            }
            Err(status) => assert_ne!(status.code(), Code::Internal, "{status}"),
        }
    }
    if let Ok(question) = v1::CheckBatchRequest::decode(bytes) {
        let (asked, with_reasons) = (question.questions.len(), question.with_reasons);
        if let Ok(answer) = batch::answer(&call, question) {
            assert_eq!(answer.decisions.len(), asked);
            assert_eq!(answer.reason_numbers.len(), if with_reasons { asked } else { 0 });
        }
    }
    if let Ok(question) = v1::AuthenticateRequest::decode(bytes) {
        drop(authenticate::answer(&call, question));
    }
    if let Ok(question) = v1::RulesForRequest::decode(bytes) {
        drop(rules::answer(&call, question));
    }
}
