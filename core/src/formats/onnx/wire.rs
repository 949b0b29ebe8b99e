//! The protobuf wire format: a message as its fields, read in place.
//!
//! Nothing is copied and nothing recurses: a message within a message is a slice of the file until somebody asks for its
//! fields. So a file cannot make the reader take memory for what nobody looks at, however deep its messages nest.

use super::super::error::Trouble;

/// The value of one field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wire<'a> {
    /// An integer of any width, a bool, an enum.
    Varint(u64),
    /// Eight bytes: a double.
    Fixed64([u8; 8]),
    /// Text, bytes, a message, or numbers packed one after the other.
    Bytes(&'a [u8]),
    /// Four bytes: a float.
    Fixed32([u8; 4]),
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    pub(super) wire: Wire<'a>,
}

/// The fields of a message in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    /// What errors call the message.
    place: &'static str,
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8], place: &'static str) -> Self {
        Self { rest: message, place }
    }

    fn next_field(&mut self) -> Result<Field<'a>, Trouble> {
        let cut = |place: &str| Trouble::malformed(place, "a field that ends after the message", "whole fields");
        let key = take_varint(&mut self.rest).ok_or_else(|| cut(self.place))?;
        let number = u32::try_from(key >> 3).unwrap_or(0);
        let wire = match key & 7 {
            0 => take_varint(&mut self.rest).map(Wire::Varint),
            1 => self.rest.split_first_chunk().map(|(bytes, rest)| {
                self.rest = rest;
                Wire::Fixed64(*bytes)
            }),
            2 => take_varint(&mut self.rest).and_then(|len| self.rest.split_at_checked(usize::try_from(len).ok()?)).map(
                |(bytes, rest)| {
                    self.rest = rest;
                    Wire::Bytes(bytes)
                },
            ),
            5 => self.rest.split_first_chunk().map(|(bytes, rest)| {
                self.rest = rest;
                Wire::Fixed32(*bytes)
            }),
            other => {
                return Err(Trouble::malformed(self.place, format!("a field of wire type {other}"), "type 0, 1, 2 or 5"));
            }
        };
        match (number, wire) {
            (0, _) => Err(Trouble::malformed(self.place, format!("field number {}", key >> 3), "a number from 1 up")),
            (number, Some(wire)) => Ok(Field { number, wire }),
            (_, None) => Err(cut(self.place)),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.next_field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Wire<'a> {
    /// The bytes of a length-delimited field; of another field none.
    pub(super) fn bytes(self) -> &'a [u8] {
        if let Self::Bytes(bytes) = self { bytes } else { &[] }
    }

    /// The integer of a varint field; of another field 0.
    pub(super) fn integer(self) -> i64 {
        if let Self::Varint(value) = self { value as i64 } else { 0 }
    }

    /// Text, which must be UTF-8.
    pub(super) fn text(self, place: &str) -> Result<&'a str, Trouble> {
        std::str::from_utf8(self.bytes()).map_err(|_| Trouble::malformed(place, "text that is not UTF-8", "UTF-8"))
    }

    /// Adds the integers of a repeated field to `list`: one, or many packed.
    pub(super) fn push_integers(self, list: &mut Vec<i64>, place: &str) -> Result<(), Trouble> {
        match self {
            Self::Varint(value) => list.push(value as i64),
            Self::Bytes(mut packed) => {
                while !packed.is_empty() {
                    let value = take_varint(&mut packed);
                    list.push(value.ok_or_else(|| Trouble::malformed(place, "a number that is cut off", "whole numbers"))? as i64);
                }
            }
            Self::Fixed64(_) | Self::Fixed32(_) => return Err(Trouble::malformed(place, "fixed-width numbers", "varints")),
        }
        Ok(())
    }

    /// Adds the floats of a repeated field to `list`: one, or many packed.
    pub(super) fn push_floats(self, list: &mut Vec<f32>, place: &str) -> Result<(), Trouble> {
        match self {
            Self::Fixed32(bytes) => list.push(f32::from_le_bytes(bytes)),
            Self::Bytes(packed) if packed.len().is_multiple_of(4) => {
                list.extend(packed.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
            }
            _ => return Err(Trouble::malformed(place, "something else", "floats of four bytes")),
        }
        Ok(())
    }

    /// Adds the doubles of a repeated field to `list`, as floats: one, or many packed.
    pub(super) fn push_doubles(self, list: &mut Vec<f32>, place: &str) -> Result<(), Trouble> {
        match self {
            Self::Fixed64(bytes) => list.push(f64::from_le_bytes(bytes) as f32),
            Self::Bytes(packed) if packed.len().is_multiple_of(8) => {
                list.extend(packed.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32));
            }
            _ => return Err(Trouble::malformed(place, "something else", "doubles of eight bytes")),
        }
        Ok(())
    }
}

/// A base-128 number of at most ten bytes, the least significant seven bits first.
fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wire_type_is_read_in_place() {
        // Field 1 varint 300, field 2 bytes "ab", field 3 float 1.0, field 4 double 2.0.
        let message = [8, 0xac, 2, 0x12, 2, b'a', b'b', 0x1d, 0, 0, 0x80, 0x3f, 0x21, 0, 0, 0, 0, 0, 0, 0, 0x40];
        let fields: Vec<Field<'_>> = Fields::new(&message, "test").collect::<Result<_, _>>().unwrap();
        let numbers: Vec<u32> = fields.iter().map(|field| field.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        assert_eq!(fields[0].wire, Wire::Varint(300));
        assert_eq!(fields[1].wire.text("test").unwrap(), "ab");
        assert_eq!(fields[3].wire, Wire::Fixed64(2f64.to_le_bytes()));
    }

    #[test]
    fn what_is_cut_off_or_unknown_is_an_error_and_the_end() {
        for message in [&[8][..], &[0x12, 5, 1], &[0x0b], &[0x1d, 0, 0], &[0xff; 11], &[0, 0]] {
            let mut fields = Fields::new(message, "test");
            assert!(fields.next().unwrap().is_err(), "{message:?}");
            assert!(fields.next().is_none());
        }
    }

    #[test]
    fn numbers_come_one_by_one_or_packed() {
        let mut list = Vec::new();
        Wire::Varint(u64::MAX).push_integers(&mut list, "test").unwrap();
        Wire::Bytes(&[1, 0x80, 1]).push_integers(&mut list, "test").unwrap();
        assert_eq!(list, [-1, 1, 128]);
        assert!(Wire::Bytes(&[0x80]).push_integers(&mut list, "test").is_err());
    }
}
