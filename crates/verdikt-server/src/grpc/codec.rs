//! How messages of the service are read off a connection: those that are sent most often are only cut out of it, for
//! to copy each of their strings costs more than to decide.

use std::marker::PhantomData;

use axum::body::Bytes;
use hyper::body::Buf as _;
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

use super::proto::v1;

/// A CheckRequest, as it came.
#[derive(Clone, Default)]
pub(crate) struct CheckRequest(Bytes);

/// A CheckBatchRequest, as it came.
#[derive(Clone, Default)]
pub(crate) struct CheckBatchRequest(Bytes);

/// A CheckStreamRequest.
#[derive(Default)]
pub(crate) struct CheckStreamRequest {
    pub(super) id: u64,
    pub(super) question: Option<CheckRequest>,
}

impl CheckRequest {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The revision that it waits for.
    pub(super) fn at_least_revision(&self) -> u64 {
        number_in(&self.0, 6)
    }
}

impl CheckBatchRequest {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The revision that it waits for.
    pub(super) fn at_least_revision(&self) -> u64 {
        number_in(&self.0, 5)
    }
}

impl From<Bytes> for CheckRequest {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Bytes> for CheckBatchRequest {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

/// What a field of a message says, as far as that is one: it is refused when it is read, if it is none.
fn number_in(mut rest: &[u8], field: u32) -> u64 {
    let mut found = 0;
    while let Ok((number, kind)) = decode_key(&mut rest) {
        let read = match (kind, number == field) {
            (WireType::Varint, true) => decode_varint(&mut rest).map(|number| found = number),
            _ => skip_field(kind, number, &mut rest, DecodeContext::default()),
        };
        if read.is_err() {
            break;
        }
    }
    found
}

/// The error of a message that is none, as tonic words it.
pub(super) fn unreadable(error: impl std::error::Error) -> Status {
    Status::internal(error.to_string())
}

/// A message that is received.
pub(crate) trait Received: Sized + Send + 'static {
    /// # Errors
    /// INTERNAL if it is none, as of all that tonic reads.
    fn received(buf: &mut DecodeBuf<'_>) -> Result<Self, Status>;
}

impl Received for CheckRequest {
    fn received(buf: &mut DecodeBuf<'_>) -> Result<Self, Status> {
        Ok(Self(buf.copy_to_bytes(buf.remaining())))
    }
}

impl Received for CheckBatchRequest {
    fn received(buf: &mut DecodeBuf<'_>) -> Result<Self, Status> {
        Ok(Self(buf.copy_to_bytes(buf.remaining())))
    }
}

impl Received for CheckStreamRequest {
    fn received(buf: &mut DecodeBuf<'_>) -> Result<Self, Status> {
        let bytes = buf.copy_to_bytes(buf.remaining());
        match Self::plain(&bytes) {
            Some(request) => Ok(request),
            None => {
                let v1::CheckStreamRequest { id, question } =
                    Message::decode(bytes).map_err(unreadable)?;
                let question =
                    question.map(|question| CheckRequest(question.encode_to_vec().into()));
                Ok(Self { id, question })
            }
        }
    }
}

impl CheckStreamRequest {
    /// The message, if it has its two fields once at most, and no others.
    fn plain(bytes: &Bytes) -> Option<Self> {
        let (mut request, mut rest, mut has_id) = (Self::default(), &**bytes, false);
        while !rest.is_empty() {
            match decode_key(&mut rest).ok()? {
                (1, WireType::Varint) if !has_id => {
                    has_id = true;
                    request.id = decode_varint(&mut rest).ok()?;
                }
                (2, WireType::LengthDelimited) if request.question.is_none() => {
                    let length = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
                    let (question, behind) = rest.split_at_checked(length)?;
                    request.question = Some(CheckRequest(bytes.slice_ref(question)));
                    rest = behind;
                }
                _ => return None,
            }
        }
        Some(request)
    }
}

macro_rules! received_whole {
    ($($message:ident)*) => {$(
        impl Received for v1::$message {
            fn received(buf: &mut DecodeBuf<'_>) -> Result<Self, Status> {
                Self::decode(buf).map_err(unreadable)
            }
        }
    )*};
}

received_whole! {
    AuthenticateRequest ExplainRequest RulesForRequest StatusRequest WatchStatusRequest
}

/// Writes messages as tonic does, and reads them as they want to be.
pub(crate) struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Received,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = Reading<U>;

    fn encoder(&mut self) -> ProstEncoder<T> {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Reading<U> {
        Reading(PhantomData)
    }
}

/// Reads messages of one kind.
pub(crate) struct Reading<U>(PhantomData<U>);

impl<U: Received> Decoder for Reading<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::received(buf).map(Some)
    }
}
