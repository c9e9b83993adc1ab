//! Amounts and unit prices as integers, and their exact decimal forms.
//!
//! No float ever touches money: JSON numbers are written from, and read into,
//! integers digit by digit.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::locale::current;

/// An amount in nano-USD (1e-9 USD). The largest amount is about 9.2 billion USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i64);

/// A unit price in pico-USD (1e-12 USD) per token, image, request or second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(pub i64);

const NANO_DIGITS: u32 = 9;
const PICO_DIGITS: u32 = 12;
/// Twenty digits, a point and a sign have room in so many bytes.
const LONGEST: usize = 24;

impl Money {
    pub const ZERO: Self = Self(0);

    /// A whole number of US cents.
    #[must_use]
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents.saturating_mul(10_000_000))
    }

    /// A whole number of US dollars.
    #[must_use]
    pub const fn from_dollars(dollars: i64) -> Self {
        Self(dollars.saturating_mul(1_000_000_000))
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or the nearest representable amount.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or the nearest representable amount.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// For people: `$12.34`, with up to six decimals when the amount is under a cent.
    #[must_use]
    pub fn dollars(self) -> String {
        let (sign, whole, decimals) = self.parts();
        format!("{sign}{}", current().dollars(&whole, &decimals))
    }

    /// Sign, whole dollars and the decimals that people are shown.
    fn parts(self) -> (&'static str, String, String) {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let digits: u32 = match nanos {
            1..10_000_000 => 6,
            10_000_000..1_000_000_000 => 4,
            _ => 2,
        };
        // Half-up at the last shown digit.
        let unit = 10_u64.pow(NANO_DIGITS - digits);
        let rounded = nanos.saturating_add(unit / 2) / unit;
        let scale = 10_u64.pow(digits);
        let decimals = format!("{:0width$}", rounded % scale, width = usize::try_from(digits).unwrap_or(2));
        (sign, (rounded / scale).to_string(), decimals)
    }
}

impl Price {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// For people: the price of a million units, `$2.50`.
    #[must_use]
    pub fn per_million(self) -> String {
        // pico × 1e6 = micro-USD; in nano-USD that is × 1000 / 1e6 × 1e6.
        Money(self.0.saturating_mul(1_000)).dollars_short()
    }

    /// For people: the price of one unit.
    #[must_use]
    pub fn per_unit(self) -> String {
        let text = self.to_string();
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        if decimals.is_empty() { format!("${whole}") } else { current().dollars(whole, decimals) }
    }
}

impl Money {
    /// Like [`Money::dollars`], without needless zeros after the second decimal.
    #[must_use]
    pub fn dollars_short(self) -> String {
        let (sign, whole, decimals) = self.parts();
        let kept = decimals.trim_end_matches('0');
        format!("{sign}{}", current().dollars(&whole, &format!("{kept:0<2}")))
    }
}

impl fmt::Display for Money {
    /// US dollars as an exact decimal, without trailing zeros: `0.00125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(decimal(self.0, NANO_DIGITS, &mut [0; LONGEST]))
    }
}

impl fmt::Display for Price {
    /// US dollars per unit as an exact decimal, without trailing zeros: `0.0000025`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(decimal(self.0, PICO_DIGITS, &mut [0; LONGEST]))
    }
}

/// An exact decimal of `value` units, of which ten to the power of `digits` make one, without
/// trailing zeros. It is written into `room` from its end.
fn decimal(value: i64, digits: u32, room: &mut [u8; LONGEST]) -> &str {
    let (mut rest, mut places) = (value.unsigned_abs(), digits);
    while places > 0 && rest.is_multiple_of(10) {
        rest /= 10;
        places -= 1;
    }
    let mut start = room.len();
    let mut put = |byte: u8| {
        start -= 1;
        if let Some(place) = room.get_mut(start) {
            *place = byte;
        }
    };
    let mut written = 0;
    // At least one digit before the point.
    while rest > 0 || written <= places {
        put(b'0' + u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        written += 1;
        if written == places {
            put(b'.');
        }
    }
    if value < 0 {
        put(b'-');
    }
    room.get(start..).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
}

/// Why a decimal could not become an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// Not a decimal number.
    NotANumber,
    /// Outside the representable range.
    OutOfRange,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "not a decimal number",
            Self::OutOfRange => "outside the range of amounts",
        })
    }
}

impl std::error::Error for MoneyError {}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads US dollars; digits below a nano-dollar are rounded half-up.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        parse_decimal(text, NANO_DIGITS).map(Self)
    }
}

impl FromStr for Price {
    type Err = MoneyError;

    /// Reads US dollars per unit; digits below a pico-dollar are rounded half-up.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        parse_decimal(text, PICO_DIGITS).map(Self)
    }
}

/// Reads `[-]digits[.digits][e[+-]digits]` into units of 10^-`digits`, half-up.
fn parse_decimal(text: &str, digits: u32) -> Result<i64, MoneyError> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| MoneyError::NotANumber)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(MoneyError::NotANumber);
    }
    if whole.len() + fraction.len() > 60 || exponent.unsigned_abs() > 60 {
        return Err(MoneyError::OutOfRange);
    }
    // The decimal point stands `shift` digits after the end of `whole + fraction`.
    let fraction_digits = i32::try_from(fraction.len()).map_err(|_| MoneyError::OutOfRange)?;
    let shift = exponent - fraction_digits + i32::try_from(digits).map_err(|_| MoneyError::OutOfRange)?;
    let mut value: i128 = 0;
    let all = whole.len() + fraction.len();
    let keep = i64::try_from(all).map_err(|_| MoneyError::OutOfRange)? + i64::from(shift.min(0));
    let mut round_up = false;
    for (position, byte) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let position = i64::try_from(position).map_err(|_| MoneyError::OutOfRange)?;
        if position < keep {
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(i128::from(byte - b'0')))
                .ok_or(MoneyError::OutOfRange)?;
        } else if position == keep {
            round_up = byte >= b'5';
        }
    }
    for _ in 0..shift.max(0) {
        value = value.checked_mul(10).ok_or(MoneyError::OutOfRange)?;
    }
    value += i128::from(round_up);
    let signed = if negative { -value } else { value };
    i64::try_from(signed).map_err(|_| MoneyError::OutOfRange)
}

impl Serialize for Money {
    /// A JSON number written from the integer.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut room = [0; LONGEST];
        let text = decimal(self.0, NANO_DIGITS, &mut room);
        let raw: &RawValue = serde_json::from_str(text).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    /// A JSON number, or a string holding one.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        raw.get().trim_matches('"').parse().map_err(D::Error::custom)
    }
}

impl Serialize for Price {
    /// A JSON string, as the original's API does.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Price {
    /// A JSON string holding a decimal, or a number.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        raw.get().trim_matches('"').parse().map_err(D::Error::custom)
    }
}

#[cfg(feature = "ssr")]
mod schema {
    use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
    use utoipa::openapi::{RefOr, Schema};
    use utoipa::{PartialSchema, ToSchema};

    impl PartialSchema for super::Money {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::Number))
                .description(Some("US dollars, exact to a nano-dollar"))
                .into()
        }
    }

    impl ToSchema for super::Money {}

    impl PartialSchema for super::Price {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::String))
                .description(Some("US dollars per unit as a decimal string, exact to a pico-dollar"))
                .into()
        }
    }

    impl ToSchema for super::Price {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_survive_the_round_trip_digit_by_digit() {
        for text in ["0", "0.000000001", "0.1", "9223372036.854775807", "-12.5", "1234567.89", "10", "-100.01"] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), text);
            let json = serde_json::to_string(&text.parse::<Money>().unwrap()).unwrap();
            assert_eq!(json, text, "written as a bare JSON number");
            assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), text.parse().unwrap());
        }
        assert_eq!(Money(i64::MIN).to_string(), "-9223372036.854775808", "the longest there is");
        assert_eq!(Price(-1).to_string(), "-0.000000000001");
        assert_eq!("0.0000025".parse::<Price>().unwrap(), Price(2_500_000));
        assert_eq!("1.32e-7".parse::<Price>().unwrap(), Price(132_000));
        assert_eq!("2.5E+1".parse::<Money>().unwrap(), Money::from_dollars(25));
    }

    #[test]
    fn digits_below_the_unit_round_half_up() {
        assert_eq!("0.0000000005".parse::<Money>().unwrap(), Money(1));
        assert_eq!("0.00000000049".parse::<Money>().unwrap(), Money(0));
        assert_eq!("5e-13".parse::<Price>().unwrap(), Price(1));
        assert_eq!("4e-14".parse::<Price>().unwrap(), Price(0));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", ".", "abc", "1e", "NaN", "--1", "1.2.3", "0x10"] {
            assert_eq!(text.parse::<Money>(), Err(MoneyError::NotANumber), "{text}");
        }
        assert_eq!("1e30".parse::<Money>(), Err(MoneyError::OutOfRange));
        assert_eq!("99999999999".parse::<Money>(), Err(MoneyError::OutOfRange));
    }

    #[test]
    fn people_see_as_many_digits_as_they_need() {
        assert_eq!(Money::from_cents(123_456_789).dollars(), "$1,234,567.89");
        assert_eq!(Money(1_234_567).dollars(), "$0.001235");
        assert_eq!(Money(-2_500_000_000).dollars(), "-$2.50");
        assert_eq!(Money::ZERO.dollars(), "$0.00");
        assert_eq!(Price(2_500_000).per_million(), "$2.50");
        assert_eq!(Price(75_000).per_million(), "$0.075");
        assert_eq!(Price(132_000).per_million(), "$0.132");
    }
}
