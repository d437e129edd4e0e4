//! The bearer token that a browser puts among the sub-protocols of a WebSocket.
//!
//! Follows apiserver's `pkg/authentication/request/websocket/protocol.go`.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A token, and the protocols that came with it.
pub(crate) struct Found {
    pub(crate) token: String,
    /// The other protocols, as one header has them.
    pub(crate) others: Vec<u8>,
}

/// The token among the protocols that some headers list, if there is one.
///
/// # Errors
/// In upstream's words, if one is there but cannot be used.
pub(crate) fn token(headers: &[&[u8]]) -> Result<Option<Found>, &'static str> {
    let mut found: Option<String> = None;
    let mut others: Vec<&[u8]> = Vec::new();
    let protocols = headers.iter().flat_map(|header| header.split(|&byte| byte == b','));
    for protocol in protocols.map(trimmed) {
        let Some(encoded) = protocol.strip_prefix(PREFIX) else {
            others.push(protocol);
            continue;
        };
        if found.is_some() {
            return Err("multiple base64.bearer.authorization tokens specified");
        }
        let token = decoded(encoded).ok_or("invalid base64.bearer.authorization token encoding")?;
        let token = String::from_utf8(token);
        found = Some(token.map_err(|_| "invalid base64.bearer.authorization token")?);
    }
    match found.filter(|token| !token.is_empty()) {
        None => Ok(None),
        // One must be left that the server can answer with.
        Some(_) if others.is_empty() => Err("missing additional subprotocol"),
        Some(token) => Ok(Some(Found { token, others: others.join(&b',') })),
    }
}

/// The protocols that some headers list, as one header has them, but for tokens: what a request goes on with once it
/// has been authenticated. None if there are none.
pub fn without_tokens(headers: &[&[u8]]) -> Option<Vec<u8>> {
    let protocols = headers.iter().flat_map(|header| header.split(|&byte| byte == b','));
    let others = protocols.map(trimmed).filter(|protocol| !protocol.starts_with(PREFIX));
    let others: Vec<&[u8]> = others.filter(|protocol| !protocol.is_empty()).collect();
    (!others.is_empty()).then(|| others.join(b", ".as_slice()))
}

fn trimmed(protocol: &[u8]) -> &[u8] {
    match std::str::from_utf8(protocol) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => protocol.trim_ascii(),
    }
}

/// As Go's `RawURLEncoding` reads it: no padding, and bits that are left over do not matter.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    GeneralPurpose::new(&URL_SAFE, config).decode(text).ok()
}

const PREFIX: &[u8] = b"base64url.bearer.authorization.k8s.io.";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[&str], expected: Result<Option<(&str, &str)>, &str>) {
        let prefix = String::from_utf8_lossy(PREFIX);
        let headers: Vec<String> = headers.iter().map(|h| h.replace("T.", &prefix)).collect();
        let headers: Vec<&[u8]> = headers.iter().map(String::as_bytes).collect();
        let found = token(&headers).map(|found| {
            found.map(|found| (found.token, String::from_utf8(found.others).unwrap()))
        });
        let expected =
            expected.map(|found| found.map(|(token, left)| (token.to_owned(), left.to_owned())));
        assert_eq!(found, expected, "{headers:?}");
    }

    #[test]
    fn the_token_is_taken_out_of_the_protocols() {
        check(&["v5, T.YWJj"], Ok(Some(("abc", "v5"))));
        check(&["T.YWJj", " v5 ,,v4"], Ok(Some(("abc", "v5,,v4"))));
        check(&["v5"], Ok(None));
        check(&["t.YWJj"], Ok(None));
        check(&[], Ok(None));
    }

    #[test]
    fn no_token_goes_on() {
        let check = |headers: &[&str], expected: Option<&str>| {
            let prefix = String::from_utf8_lossy(PREFIX);
            let headers: Vec<String> = headers.iter().map(|h| h.replace("T.", &prefix)).collect();
            let headers: Vec<&[u8]> = headers.iter().map(String::as_bytes).collect();
            let expected = expected.map(|text| text.as_bytes().to_vec());
            assert_eq!(without_tokens(&headers), expected, "{headers:?}");
        };
        check(&["v5, T.YWJj"], Some("v5"));
        check(&["T.a,T.b", "v5 ,,v4", "\tT."], Some("v5, v4"));
        check(&["T.YWJj"], None);
        check(&[], None);
    }

    #[test]
    fn an_empty_token_is_none() {
        check(&["T."], Ok(None));
        check(&["T., v5"], Ok(None));
    }

    #[test]
    fn what_cannot_be_used_is_an_error() {
        check(&["T.YWJj"], Err("missing additional subprotocol"));
        check(&["T.YWJj,T."], Err("multiple base64.bearer.authorization tokens specified"));
        check(&["T.,T.@"], Err("multiple base64.bearer.authorization tokens specified"));
        check(&["T.YQ==,v5"], Err("invalid base64.bearer.authorization token encoding"));
        check(&["T.a+b/,v5"], Err("invalid base64.bearer.authorization token encoding"));
        check(&["T._w,v5"], Err("invalid base64.bearer.authorization token"));
        // The last four bits of `YR` say nothing.
        check(&["T.YR,v5"], Ok(Some(("a", "v5"))));
    }
}
