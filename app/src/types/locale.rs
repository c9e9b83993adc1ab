//! How numbers, sums and days are written where the reader is at home: only the form, the words stay English.
//!
//! On the server it holds while one page is rendered ([`Within`]); in the browser it is what the
//! server wrote into the page, so that both write the same.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The order of a day's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// `21 Nov 2026`
    DayName,
    /// `Nov 21, 2026`
    NameDay,
    /// `21.11.2026`, with this between the numbers.
    DayNumber(char),
    /// `2026-11-21`
    Year,
}

/// One way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locale {
    /// `de`, `en-US`
    pub tag: &'static str,
    /// As the settings offer it.
    pub name: &'static str,
    group: &'static str,
    decimal: char,
    /// Groups of two after the first of three: `12,34,567`.
    has_lakhs: bool,
    /// `1,50 $` instead of `$1.50`.
    is_dollar_last: bool,
    order: Order,
}

const fn locale(
    tag: &'static str,
    name: &'static str,
    group: &'static str,
    decimal: char,
    is_dollar_last: bool,
    order: Order,
) -> Locale {
    Locale { tag, name, group, decimal, has_lakhs: false, is_dollar_last, order }
}

/// A space that is narrow and never ends a line.
const THIN: &str = "\u{202F}";

/// What can be chosen.
pub const LOCALES: [Locale; 25] = [
    locale("en", "English", ",", '.', false, Order::DayName),
    locale("en-US", "English, United States", ",", '.', false, Order::NameDay),
    Locale { has_lakhs: true, ..locale("en-IN", "English, India", ",", '.', false, Order::DayName) },
    locale("en-ZA", "English, South Africa", THIN, ',', false, Order::DayName),
    locale("en-CA", "English, Canada", ",", '.', false, Order::Year),
    locale("cs", "Čeština", THIN, ',', true, Order::DayNumber('.')),
    locale("da", "Dansk", ".", ',', true, Order::DayNumber('.')),
    locale("de", "Deutsch", ".", ',', true, Order::DayNumber('.')),
    locale("de-CH", "Deutsch, Schweiz", "’", '.', false, Order::DayNumber('.')),
    locale("es", "Español", ".", ',', true, Order::DayNumber('/')),
    locale("es-MX", "Español, México", ",", '.', false, Order::DayNumber('/')),
    locale("fr", "Français", THIN, ',', true, Order::DayNumber('/')),
    Locale { has_lakhs: true, ..locale("hi", "हिन्दी", ",", '.', false, Order::DayNumber('/')) },
    locale("it", "Italiano", ".", ',', true, Order::DayNumber('/')),
    locale("ja", "日本語", ",", '.', false, Order::Year),
    locale("ko", "한국어", ",", '.', false, Order::Year),
    locale("nl", "Nederlands", ".", ',', false, Order::DayNumber('-')),
    locale("nb", "Norsk", THIN, ',', true, Order::DayNumber('.')),
    locale("pl", "Polski", THIN, ',', true, Order::DayNumber('.')),
    locale("pt", "Português", ".", ',', false, Order::DayNumber('/')),
    locale("ru", "Русский", THIN, ',', true, Order::DayNumber('.')),
    locale("fi", "Suomi", THIN, ',', true, Order::DayNumber('.')),
    locale("sv", "Svenska", THIN, ',', true, Order::Year),
    locale("tr", "Türkçe", ".", ',', false, Order::DayNumber('.')),
    locale("zh", "中文", ",", '.', false, Order::Year),
];

thread_local! {
    static CURRENT: Cell<Option<&'static Locale>> = const { Cell::new(None) };
}

#[cfg(not(feature = "hydrate"))]
const fn beginning() -> &'static Locale {
    Locale::USUAL
}

/// What the server wrote into the page.
#[cfg(feature = "hydrate")]
fn beginning() -> &'static Locale {
    let root = leptos::prelude::document().document_element();
    let tag = root.and_then(|root| root.get_attribute("data-formats")).unwrap_or_default();
    Locale::of(&tag).unwrap_or(Locale::USUAL)
}

/// The one that holds here.
#[must_use]
pub fn current() -> &'static Locale {
    CURRENT.get().unwrap_or_else(|| {
        let locale = beginning();
        CURRENT.set(Some(locale));
        locale
    })
}

impl Locale {
    /// For whom nothing is known.
    pub const USUAL: &'static Self = &LOCALES[0];

    /// The one for a language tag such as `de-AT`.
    #[must_use]
    pub fn of(tag: &str) -> Option<&'static Self> {
        let exact = |wanted: &str| LOCALES.iter().find(|one| one.tag.eq_ignore_ascii_case(wanted));
        let language = tag.split(['-', '_']).next().unwrap_or_default();
        // `no` is what some still call `nb`, and nynorsk writes numbers the same.
        let language = if matches!(language, "no" | "nn") { "nb" } else { language };
        exact(tag).or_else(|| exact(language))
    }

    /// The first one of a browser's `Accept-Language` that is known.
    #[must_use]
    pub fn accepted(header: &str) -> Option<&'static Self> {
        let mut wishes: Vec<(i32, &str)> = header
            .split(',')
            .filter_map(|wish| {
                let (tag, quality) = wish.trim().split_once(";q=").unwrap_or((wish.trim(), "1"));
                let quality: f32 = quality.trim().parse().ok().filter(|quality| *quality > 0.0)?;
                Some((thousandths(quality), tag.trim()))
            })
            .collect();
        // Stable: of equals, the first.
        wishes.sort_by_key(|(quality, _)| -quality);
        wishes.into_iter().find_map(|(_, tag)| Self::of(tag))
    }

    /// A whole number in groups.
    #[must_use]
    pub fn grouped(&self, digits: &str) -> String {
        let mut out = String::new();
        for (position, digit) in digits.chars().enumerate() {
            let left = digits.len() - position;
            let is_border =
                if self.has_lakhs { left == 3 || left > 3 && left % 2 == 1 } else { left.is_multiple_of(3) };
            if position > 0 && is_border {
                out.push_str(self.group);
            }
            out.push(digit);
        }
        out
    }

    /// Written with this locale's decimal mark instead of a point.
    #[must_use]
    pub fn decimal(&self, text: &str) -> String {
        if self.decimal == '.' { text.to_owned() } else { text.replace('.', &self.decimal.to_string()) }
    }

    /// US dollars, of an amount's size without its sign.
    #[must_use]
    pub fn dollars(&self, whole: &str, decimals: &str) -> String {
        let amount = format!("{}{}{decimals}", self.grouped(whole), self.decimal);
        if self.is_dollar_last { format!("{amount}\u{A0}$") } else { format!("${amount}") }
    }

    /// A day of the calendar; without its year where it is plain which one is meant.
    #[must_use]
    pub fn day(&self, year: Option<&str>, month: (usize, &str), day: u32) -> String {
        let (number, name) = month;
        match (self.order, year) {
            (Order::DayName, Some(year)) => format!("{day} {name} {year}"),
            (Order::DayName, None) => format!("{day} {name}"),
            (Order::NameDay, Some(year)) => format!("{name} {day}, {year}"),
            (Order::NameDay, None) => format!("{name} {day}"),
            (Order::DayNumber(mark), Some(year)) => format!("{day:02}{mark}{number:02}{mark}{year}"),
            (Order::DayNumber('.'), None) => format!("{day:02}.{number:02}."),
            (Order::DayNumber(mark), None) => format!("{day:02}{mark}{number:02}"),
            (Order::Year, Some(year)) => format!("{year}-{number:02}-{day:02}"),
            (Order::Year, None) => format!("{number:02}-{day:02}"),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "a quality is between 0 and 1")]
const fn thousandths(quality: f32) -> i32 {
    (quality * 1000.0) as i32
}

/// A future during whose polls a locale holds.
pub struct Within<F> {
    locale: &'static Locale,
    inner: Pin<Box<F>>,
}

impl<F: Future> Within<F> {
    pub fn new(locale: &'static Locale, inner: F) -> Self {
        Self { locale, inner: Box::pin(inner) }
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let before = CURRENT.replace(Some(self.locale));
        let outcome = self.inner.as_mut().poll(context);
        CURRENT.set(before);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_says_what_is_wanted() {
        let cases = [
            ("de-CH,de;q=0.9,en;q=0.8", Some("de-CH")),
            ("tlh, fr-CA;q=0.7, sv;q=0.9", Some("sv")),
            ("en-GB", Some("en")),
            ("nn-NO", Some("nb")),
            ("*;q=0.5", None),
            ("de;q=0, it", Some("it")),
            ("", None),
        ];
        for (header, expected) in cases {
            assert_eq!(Locale::accepted(header).map(|one| one.tag), expected, "{header}");
        }
    }
}
