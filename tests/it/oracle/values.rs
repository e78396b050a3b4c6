//! Random values: of properties, by their types, and of operands, often near what is stored.

use clef::model::{Model, Property, PropertyType};
use serde_json::{Map, Value as Json, json};

use super::random::Random;
use super::temporal::{Temporal, Time};

/// Text with the characters that databases, JSON and patterns stumble over.
const WORDS: [&str; 24] = [
    "",
    "a",
    "A",
    "ab",
    "Ab",
    "b",
    "Clara",
    "clara",
    "Clara Schumann",
    "Müller",
    "müller",
    "Dvořák",
    "Ÿ",
    "日本",
    "𝄞",
    "100%",
    "a_b",
    "O'Brien",
    "\"quoted\"",
    "back\\slash",
    "line\nbreak",
    "\u{1}",
    " ",
    "é",
];
const URLS: [&str; 3] = ["https://example.org/a", "http://example.org/ü", "https://example.com/?q=1#b"];
const PATTERNS: [&str; 9] = [".*", "", "a", "[A-Z].*", "(?i)clara", "Cl|a", ".*ü.*", "a.b", "(?s).+"];
const INTEGERS: [i64; 9] = [0, 1, -1, 2, 3, 10, 100, 2_147_483_647, -2_147_483_648];
const FLOATS: [f64; 12] =
    [0.0, 1.0, -1.0, 0.5, 0.1, 0.300_000_000_000_000_04, 1e21, 1e-7, -2.5, 3.141_592_653_589_794, 1.5e300, 100.0];
const YEARS: [i64; 10] = [-44, -4712, 0, 99, 1819, 1896, 1900, 2000, 2021, 12345];
const OFFSETS: [i64; 5] = [0, 0, 7_200, -19_800, 3_600];

impl Random {
    /// A value as a mutation's argument has it.
    pub(super) fn value(&mut self, model: &Model, property: &Property) -> Json {
        if property.is_list {
            let count = *self.one_of(&[0, 1, 1, 2, 3]);
            return (0..count).map(|_| self.item(model, property)).collect();
        }
        match property.ty {
            PropertyType::Date => self.temporal_input(true, Construct::Yes),
            PropertyType::DateTime => self.temporal_input(false, Construct::Yes),
            _ => self.item(model, property),
        }
    }

    fn item(&mut self, model: &Model, property: &Property) -> Json {
        if property.is_url {
            return (*self.one_of(&URLS)).into();
        }
        match &property.ty {
            PropertyType::Id | PropertyType::String => self.word().into(),
            PropertyType::Int => (*self.one_of(&INTEGERS)).into(),
            PropertyType::Float => (*self.one_of(&FLOATS)).into(),
            PropertyType::Boolean => self.percent(50).into(),
            PropertyType::Enum(name) => self.enum_value(model, name).into(),
            PropertyType::Custom(_) => self.one_of(&[json!("P1D"), json!("PT5M"), json!(""), json!("Pü")]).clone(),
            PropertyType::Date | PropertyType::DateTime => panic!("lists of temporals are not the oracle's"),
        }
    }

    fn word(&mut self) -> String {
        let mut word = (*self.one_of(&WORDS)).to_owned();
        if self.percent(20) {
            word += *self.one_of(&WORDS);
        }
        word
    }

    /// One of the first values of an enum, so that nodes share some.
    pub(super) fn enum_value(&mut self, model: &Model, name: &str) -> String {
        let Some(clef::model::api::ApiKind::Enum(values)) = model.api().get(name).map(|ty| &ty.kind) else {
            panic!("`{name}` is no enum")
        };
        let few = values.len().min(4);
        values[self.below(few)].name.to_string()
    }

    /// A value of the API's scalar or enum of that name, without a property to go by.
    pub(super) fn operand(&mut self, ty: &str, model: &Model) -> Json {
        match ty {
            "Int" => (*self.one_of(&INTEGERS)).into(),
            "Float" if self.percent(30) => (*self.one_of(&[0, 1, 100])).into(),
            "Float" => (*self.one_of(&FLOATS)).into(),
            "Boolean" => self.percent(50).into(),
            "ID" | "String" => self.word().into(),
            _ if matches!(model.api().get(ty).map(|ty| &ty.kind), Some(clef::model::api::ApiKind::Enum(_))) => {
                self.enum_value(model, ty).into()
            }
            _ => json!("P1D"),
        }
    }

    pub(super) fn pattern(&mut self) -> Json {
        (*self.one_of(&PATTERNS)).into()
    }

    /// A part of a text, cut between characters.
    pub(super) fn part_of(&mut self, text: &str, operator: &str) -> String {
        let characters: Vec<char> = text.chars().collect();
        let (first, last) = (self.below(characters.len() + 1), self.below(characters.len() + 1));
        let (first, last) = (first.min(last), first.max(last));
        let range = match operator {
            "starts_with" | "not_starts_with" => 0..last,
            "ends_with" | "not_ends_with" => first..characters.len(),
            "contains" | "not_contains" => first..last,
            _ => 0..characters.len(),
        };
        characters[range].iter().collect()
    }

    fn temporal(&mut self, is_date: bool) -> Temporal {
        let year = if self.percent(70) { *self.one_of(&YEARS) } else { self.between(1890, 1910) };
        let time = (!is_date).then(|| {
            let nanosecond = *self.one_of(&[0, 0, 690_000_000, 693_000_000, 123_400_000, 1]);
            let (zone, offset_seconds) = match self.below(8) {
                0 => (Some("UTC".to_owned()), 0),
                1 => (Some("Asia/Kolkata".to_owned()), 19_800),
                _ => (None, *self.one_of(&OFFSETS)),
            };
            let (hour, minute, second) = (self.between(0, 23), *self.one_of(&[0, 0, 30]), *self.one_of(&[0, 0, 59]));
            Time { hour, minute, second, nanosecond, offset_seconds, zone }
        });
        // Kolkata kept another time before 1946.
        let is_named = time.as_ref().and_then(|time| time.zone.as_deref()) == Some("Asia/Kolkata");
        let year = if is_named { 2000 + self.between(0, 2) } else { year };
        Temporal { year, month: *self.one_of(&[1, 2, 9, 12]), day: *self.one_of(&[1, 13, 28]), time }
    }

    /// An input object: what constructs a value, or what compares its components.
    pub(super) fn temporal_input(&mut self, is_date: bool, construct: Construct) -> Json {
        let value = self.temporal(is_date);
        self.input_of(&value, is_date, construct)
    }

    pub(super) fn input_of(&mut self, value: &Temporal, is_date: bool, construct: Construct) -> Json {
        let is_named = value.time.as_ref().is_some_and(|time| time.zone.as_deref() == Some("Asia/Kolkata"));
        if self.percent(40) || (is_named && construct == Construct::Yes) {
            let formatted = value.formatted();
            // A date alone is a time at midnight.
            let is_short = !is_date && self.percent(10);
            let text = if is_short { formatted.split('T').next().unwrap_or_default().to_owned() } else { formatted };
            return json!({ "formatted": text });
        }
        let names: &[&str] = if is_date { &["year", "month", "day"] } else { &COMPONENTS };
        let mut input = Map::new();
        if construct == Construct::No {
            for _ in 0..=self.below(2) {
                let name = *self.one_of(names);
                input.insert(name.to_owned(), value.component(name));
            }
            return input.into();
        }
        let depth = if is_date || self.percent(30) { self.below(3) + 1 } else { 4 + self.below(3) };
        for name in &names[..depth] {
            input.insert((*name).to_owned(), value.component(name));
        }
        if depth == 6 {
            let name = *self.one_of(&["millisecond", "microsecond", "nanosecond"]);
            input.insert(name.to_owned(), value.component(name));
        }
        if depth > 3 {
            input.insert("timezone".to_owned(), value.component("timezone"));
        }
        input.into()
    }
}

/// Components of a time, largest first.
const COMPONENTS: [&str; 10] =
    ["year", "month", "day", "hour", "minute", "second", "millisecond", "microsecond", "nanosecond", "timezone"];

/// Whether an input object has to make a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Construct {
    Yes,
    No,
}
