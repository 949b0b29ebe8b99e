//! What a board says about its sensors.

use core::fmt;

use super::bytes::{Input, Output};
use super::{EncodeError, MessageError};

/// What a sensor measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorKind {
    /// Sound.
    Audio = 0,
    /// Acceleration, rotation.
    Imu = 1,
    /// Anything else.
    Other = 2,
}

impl SensorKind {
    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Imu => "imu",
            Self::Other => "other",
        }
    }
}

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Two's complement, 16 bits.
    I16 = 0,
    /// IEEE 754 single precision.
    F32 = 1,
}

/// One of the values that a sensor measures at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel<'a> {
    /// Its name, such as `ax`.
    pub name: &'a str,
    /// Its unit, such as `m/s2`; empty where there is none.
    pub unit: &'a str,
    /// Real units of a step: a stored value times this is what was measured.
    pub step: f32,
}

/// A sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sensor<'a> {
    /// What other messages name it by; not 255.
    pub id: u8,
    /// What it measures.
    pub kind: SensorKind,
    /// Instants in a thousand seconds.
    pub rate_mhz: u32,
    /// How values are stored.
    pub format: Format,
    /// What it measures at each instant.
    pub channels: List<'a, Channel<'a>>,
}

/// A member of a [`List`].
pub trait Member<'a>: Copy + Sized {
    /// Reads one.
    #[doc(hidden)]
    fn read(input: &mut Input<'a>) -> Result<Self, MessageError>;
    /// Writes it.
    #[doc(hidden)]
    fn write(&self, out: &mut Output<'_>) -> Result<(), EncodeError>;
}

/// Some members, at most 255: given, or in the bytes of a frame, where they have been checked.
#[derive(Clone, Copy)]
pub struct List<'a, T>(Members<'a, T>);

#[derive(Clone, Copy)]
enum Members<'a, T> {
    Given(&'a [T]),
    Read { len: usize, bytes: Input<'a> },
}

impl<'a, T: Member<'a>> List<'a, T> {
    /// These.
    pub const fn new(members: &'a [T]) -> Self {
        Self(Members::Given(members))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self.0 {
            Members::Given(members) => members.len(),
            Members::Read { len, .. } => len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let (given, mut bytes): (&[T], _) = match self.0 {
            Members::Given(members) => (members, Input(&[])),
            Members::Read { bytes, .. } => (&[], bytes),
        };
        let read = core::iter::from_fn(move || if bytes.0.is_empty() { None } else { T::read(&mut bytes).ok() });
        given.iter().copied().chain(read)
    }

    pub(super) fn read(input: &mut Input<'a>) -> Result<Self, MessageError> {
        let len = usize::from(input.u8()?);
        let before = *input;
        for _ in 0..len {
            T::read(input)?;
        }
        let bytes = Input(&before.0[..before.0.len() - input.0.len()]);
        Ok(Self(Members::Read { len, bytes }))
    }

    pub(super) fn write(&self, out: &mut Output<'_>) -> Result<(), EncodeError> {
        out.count(self.len())?;
        self.iter().try_for_each(|member| member.write(out))
    }
}

impl<'a, T: Member<'a> + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Member<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> Member<'a> for Channel<'a> {
    fn read(input: &mut Input<'a>) -> Result<Self, MessageError> {
        let step = f32::from_le_bytes(input.array()?);
        if !step.is_finite() {
            return Err(MessageError::Value);
        }
        Ok(Self { step, name: input.text()?, unit: input.text()? })
    }

    fn write(&self, out: &mut Output<'_>) -> Result<(), EncodeError> {
        out.put(&self.step.to_le_bytes())?;
        out.text(self.name)?;
        out.text(self.unit)
    }
}

impl<'a> Member<'a> for Sensor<'a> {
    fn read(input: &mut Input<'a>) -> Result<Self, MessageError> {
        let id = input.u8()?;
        let kind = match input.u8()? {
            0 => SensorKind::Audio,
            1 => SensorKind::Imu,
            2 => SensorKind::Other,
            _ => return Err(MessageError::Value),
        };
        let rate_mhz = input.u32()?;
        let format = match input.u8()? {
            0 => Format::I16,
            1 => Format::F32,
            _ => return Err(MessageError::Value),
        };
        let channels = List::read(input)?;
        if id == super::ALL_SENSORS || rate_mhz == 0 || channels.is_empty() {
            return Err(MessageError::Value);
        }
        Ok(Self { id, kind, rate_mhz, format, channels })
    }

    fn write(&self, out: &mut Output<'_>) -> Result<(), EncodeError> {
        out.u8(self.id)?;
        out.u8(self.kind as u8)?;
        out.u32(self.rate_mhz)?;
        out.u8(self.format as u8)?;
        self.channels.write(out)
    }
}
