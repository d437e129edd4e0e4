//! The extensions of a certificate that Go looks at.
//!
//! Follows Go's `crypto/x509/parser.go` (`processExtensions` and what it calls). One that is malformed
//! makes its certificate unreadable, whether anybody would have looked at it or not.

use std::collections::BTreeSet;

use super::certificate::ParseError;
use super::constraints::NameConstraints;
use super::der::{INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, constructed, context};
use super::san::AlternativeNames;

/// The content of an object identifier.
pub(super) type Oid = Box<[u8]>;

/// An extension as it stands in a certificate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extension<'a> {
    pub(super) oid: &'a [u8],
    pub(super) is_critical: bool,
    pub(super) value: &'a [u8],
}

/// What the extensions of a certificate say.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    /// Bits from the first; 0 if there is no such extension.
    pub(super) key_usage: u16,
    pub(super) basic_constraints: Option<BasicConstraints>,
    /// The value of the subject's alternative names, to be compared.
    pub(super) san_value: Option<Box<[u8]>>,
    pub(super) names: AlternativeNames,
    pub(super) name_constraints: Option<NameConstraints>,
    pub(super) authority_key_id: Box<[u8]>,
    pub(super) subject_key_id: Box<[u8]>,
    pub(super) extended_key_usage: Vec<Oid>,
    pub(super) policies: Vec<Oid>,
    /// Each with the issuer's policy first.
    pub(super) policy_mappings: Vec<(Oid, Oid)>,
    pub(super) require_explicit_policy: Option<i64>,
    pub(super) inhibit_policy_mapping: Option<i64>,
    pub(super) inhibit_any_policy: Option<i64>,
    /// Whether there is a critical one that nobody here understands.
    pub(super) has_unhandled_critical: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BasicConstraints {
    pub(super) is_authority: bool,
    pub(super) max_path_length: Option<i64>,
}

impl Extensions {
    pub(super) fn of(list: &[Extension<'_>]) -> Result<Self, ParseError> {
        let mut extensions = Self::default();
        for extension in list {
            let is_handled = extensions.add(extension)?;
            extensions.has_unhandled_critical |= extension.is_critical && !is_handled;
        }
        Ok(extensions)
    }

    /// Takes one in; whether it is understood.
    fn add(&mut self, extension: &Extension<'_>) -> Result<bool, ParseError> {
        let value = Reader::new(extension.value);
        match extension.oid {
            [0x55, 0x1d, 14] => self.subject_key_id = subject_key_id(extension)?,
            [0x55, 0x1d, 15] => self.key_usage = key_usage(value)?,
            [0x55, 0x1d, 17] => {
                self.san_value = Some(extension.value.into());
                self.names = AlternativeNames::parse(value)?;
                return Ok(!self.names.is_empty());
            }
            [0x55, 0x1d, 19] => self.basic_constraints = Some(basic_constraints(value)?),
            [0x55, 0x1d, 30] => {
                let (constraints, is_handled) = NameConstraints::parse(value)?;
                self.name_constraints = Some(constraints);
                return Ok(is_handled);
            }
            [0x55, 0x1d, 31] => {
                check_distribution_points(value).ok_or("x509: invalid CRL distribution points")?
            }
            [0x55, 0x1d, 32] => self.policies = policies(value)?,
            [0x55, 0x1d, 33] => {
                self.policy_mappings =
                    policy_mappings(value).ok_or("x509: invalid policy mappings extension")?;
            }
            [0x55, 0x1d, 35] => self.authority_key_id = authority_key_id(extension)?,
            [0x55, 0x1d, 36] => {
                self.policy_constraints(value)
                    .ok_or("x509: invalid policy constraints extension")?;
            }
            [0x55, 0x1d, 37] => {
                self.extended_key_usage =
                    extended_key_usage(value).ok_or("x509: invalid extended key usages")?;
            }
            [0x55, 0x1d, 54] => {
                let mut value = value;
                let number = value.int64().ok_or("x509: invalid inhibit any policy extension")?;
                self.inhibit_any_policy = at_least_zero(number);
            }
            AUTHORITY_INFO_ACCESS => check_authority_info_access(extension)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn policy_constraints(&mut self, mut value: Reader<'_>) -> Option<()> {
        let mut fields = value.read(SEQUENCE)?;
        if fields.is_next(context(0)) {
            self.require_explicit_policy = at_least_zero(fields.int64_with(context(0))?);
        }
        if fields.is_next(context(1)) {
            self.inhibit_policy_mapping = at_least_zero(fields.int64_with(context(1))?);
        }
        Some(())
    }
}

/// Go reads negative numbers here, and then never uses them.
fn at_least_zero(number: i64) -> Option<i64> {
    Some(number).filter(|&number| number >= 0)
}

fn key_usage(mut value: Reader<'_>) -> Result<u16, ParseError> {
    let bits = value.bits().ok_or("x509: invalid key usage")?;
    Ok((0..9).filter(|&bit| bits.at(bit)).fold(0, |usage, bit| usage | 1 << bit))
}

fn basic_constraints(mut value: Reader<'_>) -> Result<BasicConstraints, ParseError> {
    const INVALID: &str = "x509: invalid basic constraints";
    let mut fields = value.read(SEQUENCE).ok_or(INVALID)?;
    let is_authority = fields.is_next(super::der::BOOLEAN) && fields.boolean().ok_or(INVALID)?;
    let max_path_length = match fields.is_next(INTEGER) {
        true => Some(fields.int64().filter(|&length| length >= 0).ok_or(INVALID)?),
        false => None,
    };
    Ok(BasicConstraints { is_authority, max_path_length })
}

fn authority_key_id(extension: &Extension<'_>) -> Result<Box<[u8]>, ParseError> {
    if extension.is_critical {
        return Err("x509: authority key identifier incorrectly marked critical".into());
    }
    const INVALID: &str = "x509: invalid authority key identifier";
    let mut fields = Reader::new(extension.value).read(SEQUENCE).ok_or(INVALID)?;
    let id = fields.optional(context(0)).ok_or(INVALID)?;
    Ok(id.map(|id| id.rest().into()).unwrap_or_default())
}

fn subject_key_id(extension: &Extension<'_>) -> Result<Box<[u8]>, ParseError> {
    if extension.is_critical {
        return Err("x509: subject key identifier incorrectly marked critical".into());
    }
    let id = Reader::new(extension.value).read(OCTET_STRING);
    Ok(id.ok_or("x509: invalid subject key identifier")?.rest().into())
}

fn extended_key_usage(mut value: Reader<'_>) -> Option<Vec<Oid>> {
    let mut list = value.read(SEQUENCE)?;
    let mut usages = Vec::new();
    while !list.is_empty() {
        usages.push(list.oid()?.into());
    }
    Some(usages)
}

fn policies(mut value: Reader<'_>) -> Result<Vec<Oid>, ParseError> {
    const INVALID: &str = "x509: invalid certificate policies";
    let mut list = value.read(SEQUENCE).ok_or(INVALID)?;
    let mut seen = BTreeSet::new();
    let mut policies = Vec::new();
    while !list.is_empty() {
        let mut policy = list.read(SEQUENCE).ok_or(INVALID)?;
        let oid = policy.read(OID).ok_or(INVALID)?.rest();
        if !seen.insert(oid) || !is_long_oid(oid) {
            return Err(INVALID.into());
        }
        policies.push(oid.into());
    }
    Ok(policies)
}

/// Policies may have numbers of any size, unlike other identifiers.
fn is_long_oid(oid: &[u8]) -> bool {
    let mut is_start = true;
    for &byte in oid {
        if is_start && byte == 0x80 {
            return false;
        }
        is_start = byte & 0x80 == 0;
    }
    !oid.is_empty() && is_start
}

fn policy_mappings(mut value: Reader<'_>) -> Option<Vec<(Oid, Oid)>> {
    let mut list = value.read(SEQUENCE)?;
    let mut mappings = Vec::new();
    while !list.is_empty() {
        let mut mapping = list.read(SEQUENCE)?;
        let issuer = mapping.read(OID)?.rest();
        mappings.push((issuer.into(), mapping.read(OID)?.rest().into()));
    }
    Some(mappings)
}

fn check_distribution_points(mut value: Reader<'_>) -> Option<()> {
    let mut points = value.read(SEQUENCE)?;
    while !points.is_empty() {
        let mut point = points.read(SEQUENCE)?;
        let Some(mut name) = point.optional(constructed(0))? else { continue };
        let mut full_name = name.read(constructed(0))?;
        while full_name.is_next(context(6)) {
            full_name.read(context(6))?;
        }
    }
    Some(())
}

fn check_authority_info_access(extension: &Extension<'_>) -> Result<(), ParseError> {
    if extension.is_critical {
        return Err("x509: authority info access incorrectly marked critical".into());
    }
    let check = || {
        let mut list = Reader::new(extension.value).read(SEQUENCE)?;
        while !list.is_empty() {
            let mut access = list.read(SEQUENCE)?;
            access.oid()?;
            access.optional(context(6))?;
        }
        Some(())
    };
    check().ok_or_else(|| "x509: invalid authority info access".into())
}

const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
