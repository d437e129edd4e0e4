//! The query of a URL, as far as it says what a list, watch or deletecollection is about.

use std::borrow::Cow;

use crate::escape::{Part, unescape};

/// The decoded pairs of a query, in order, as Go's `url.ParseQuery` finds them.
///
/// A pair that holds a `;` or a bad escape is left out. A query of more than 10,000 pairs counts as
/// empty, as it does in Go 1.26.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let separators = query.bytes().filter(|&byte| byte == b'&').count();
    let query = if separators < MAX_PAIRS { query } else { "" };
    query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')).filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((unescape(key, Part::Query).ok()?, unescape(value, Part::Query).ok()?))
    })
}

/// The parameters of a list that request attributes depend on: the first value of each key.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListQuery<'a> {
    pub(crate) field_selector: Option<Cow<'a, str>>,
    pub(crate) label_selector: Option<Cow<'a, str>>,
    watch: Option<Cow<'a, str>>,
    timeout_seconds: Option<Cow<'a, str>>,
    limit: Option<Cow<'a, str>>,
}

impl<'a> ListQuery<'a> {
    pub(crate) fn read(query: &'a str) -> Self {
        let mut found = Self::default();
        for (key, value) in pairs(query) {
            let parameter = match &*key {
                "fieldSelector" => &mut found.field_selector,
                "labelSelector" => &mut found.label_selector,
                "watch" => &mut found.watch,
                "timeoutSeconds" => &mut found.timeout_seconds,
                "limit" => &mut found.limit,
                _ => continue,
            };
            parameter.get_or_insert(value);
        }
        found
    }

    /// Whether the parameters that must be 64-bit integers are, or are absent.
    ///
    /// One that is not, like a selector that does not parse, makes upstream forget the whole query
    /// but for `watch`.
    pub(crate) fn has_valid_numbers(&self) -> bool {
        [&self.timeout_seconds, &self.limit]
            .into_iter()
            .flatten()
            .all(|number| number.parse::<i64>().is_ok())
    }

    /// Whether `watch` is given and neither `0` nor `false`, in any case of letters.
    ///
    /// `decodes` says whether the query as a whole is valid. If it is, upstream compares by Unicode's
    /// folding of case, where the long s equals an s; if not, it compares in lower case.
    pub(crate) fn asks_to_watch(&self, decodes: bool) -> bool {
        self.watch.as_ref().is_some_and(|value| {
            let is_false = value.eq_ignore_ascii_case("false")
                || (decodes && value.replace('ſ', "s").eq_ignore_ascii_case("false"));
            !is_false && value != "0"
        })
    }
}

const MAX_PAIRS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::{ListQuery, pairs};

    fn check_pairs(query: &str, expected: &[(&str, &str)]) {
        let found: Vec<_> = pairs(query).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(found, expected, "{query}");
    }

    fn check_watch(query: &str, when_valid: bool, when_invalid: bool) {
        let list = ListQuery::read(query);
        let answers = [true, false].map(|decodes| list.asks_to_watch(decodes));
        assert_eq!(answers, [when_valid, when_invalid], "{query}");
    }

    #[test]
    fn pairs_are_split_and_decoded() {
        check_pairs("", &[]);
        check_pairs("a=b=c&d&=e&&%41=%42+", &[("a", "b=c"), ("d", ""), ("", "e"), ("A", "B ")]);
    }

    #[test]
    fn a_bad_pair_is_left_out_alone() {
        check_pairs("a=1;b=2&c=%zz&%=d&e=3", &[("e", "3")]);
        check_pairs("a=%3B", &[("a", ";")]);
    }

    #[test]
    fn a_query_of_too_many_pairs_is_empty() {
        assert_eq!(pairs(&"a&".repeat(9_999)).count(), 9_999);
        assert_eq!(pairs(&"a&".repeat(10_000)).count(), 0);
    }

    #[test]
    fn the_first_value_of_a_key_counts() {
        let list = ListQuery::read("fieldSelector=a&fieldSelector=b&labelSelector&labelSelector=c");
        assert_eq!(list.field_selector.as_deref(), Some("a"));
        assert_eq!(list.label_selector.as_deref(), Some(""));
        assert_eq!(ListQuery::read("FieldSelector=a").field_selector, None);
    }

    #[test]
    fn watch_is_true_unless_it_says_false_or_zero() {
        check_watch("", false, false);
        check_watch("Watch=1", false, false);
        for query in ["watch", "watch=", "watch=1", "watch=00", "watch=no", "watch=1&watch=0"] {
            check_watch(query, true, true);
        }
        for query in ["watch=0", "watch=false", "watch=FALSE", "watch=False&watch=1"] {
            check_watch(query, false, false);
        }
        check_watch("watch=fal%C5%BFe", false, true);
    }

    #[test]
    fn numbers_are_signed_64_bit_decimals() {
        for query in ["", "limit=5", "limit=%2B5", "limit=-5&timeoutSeconds=0", "limit=1&limit=x"] {
            assert!(ListQuery::read(query).has_valid_numbers(), "{query}");
        }
        for query in ["limit=", "timeoutSeconds=1s", "limit=+5", "limit=9223372036854775808"] {
            assert!(!ListQuery::read(query).has_valid_numbers(), "{query}");
        }
    }
}
