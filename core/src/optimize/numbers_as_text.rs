//! Lists of numbers as text with spaces between them: exact, and one line of a file instead of hundreds.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<S: Serializer, T: Display>(lists: &BTreeMap<String, Vec<T>>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = |values: &Vec<T>| values.iter().map(T::to_string).collect::<Vec<_>>().join(" ");
    lists.iter().map(|(layer, values)| (layer, text(values))).collect::<BTreeMap<_, _>>().serialize(serializer)
}

pub(super) fn deserialize<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    let number = |word: &str| word.parse::<T>().map_err(|_| D::Error::custom(format!("\"{word}\" is no number")));
    let lists = BTreeMap::<String, String>::deserialize(deserializer)?.into_iter();
    lists.map(|(layer, text)| Ok((layer, text.split_whitespace().map(number).collect::<Result<_, _>>()?))).collect()
}
