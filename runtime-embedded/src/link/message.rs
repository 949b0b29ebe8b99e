//! What frames mean: reports of the board, commands of the studio.

use core::fmt;

use super::bytes::{Input, Output, utf8};
use super::{EncodeError, Frame, List, MAX_PAYLOAD, Sensor, encode_frame};

/// Why a frame is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// A kind that is not known here.
    Kind(u8),
    /// More or fewer bytes than the message has.
    Length,
    /// A field that has none of its values.
    Value,
    /// A text that is no UTF-8.
    Text,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "a message of kind {kind:#04x}, which is not known"),
            Self::Length => f.write_str("a message of the wrong length"),
            Self::Value => f.write_str("a message with a value that is not allowed"),
            Self::Text => f.write_str("a message with a text that is no UTF-8"),
        }
    }
}

impl core::error::Error for MessageError {}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done = 0,
    /// The board cannot do this.
    Unsupported = 1,
    /// There is no model on the board.
    NoModel = 2,
    /// The input is not as long as the model's, or a model is longer than there is room for.
    Length = 3,
    /// A piece does not follow what is there; send on from where the Ack says.
    Offset = 4,
    /// The content hash is another.
    Hash = 5,
    /// The board cannot read the model.
    Model = 6,
    /// The model needs more memory than the board has.
    Memory = 7,
    /// There is no such sensor.
    Sensor = 8,
    /// Anything else.
    Failed = 9,
}

impl Status {
    fn read(input: &mut Input<'_>) -> Result<Self, MessageError> {
        use Status::{Done, Failed, Hash, Length, Memory, Model, NoModel, Offset, Sensor, Unsupported};
        let all = [Done, Unsupported, NoModel, Length, Offset, Hash, Model, Memory, Sensor, Failed];
        all.get(usize::from(input.u8()?)).copied().ok_or(MessageError::Value)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Unsupported => "the board cannot do this",
            Self::NoModel => "there is no model on the board",
            Self::Length => "the input or the model has the wrong length for the board",
            Self::Offset => "a piece does not follow the one before",
            Self::Hash => "the model arrived damaged: its content hash is another",
            Self::Model => "the board cannot read the model",
            Self::Memory => "the model needs more memory than the board has",
            Self::Sensor => "the board has no such sensor",
            Self::Failed => "the board failed",
        })
    }
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something does not work.
    Error = 0,
    /// Something may not work.
    Warning = 1,
    /// Good to know.
    Note = 2,
    /// For whoever looks for an error.
    Detail = 3,
}

/// A piece of something that may be longer than a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Bytes of the whole.
    pub total: u32,
    /// Where in the whole the piece lies.
    pub offset: u32,
    /// The piece.
    pub bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    /// Whether the whole ends with it.
    pub fn is_last(&self) -> bool {
        self.offset as usize + self.bytes.len() == self.total as usize
    }

    fn read(input: &mut Input<'a>) -> Result<Self, MessageError> {
        let (total, offset, bytes) = (input.u32()?, input.u32()?, input.rest());
        match (total as usize).checked_sub(offset as usize) {
            Some(left) if bytes.len() <= left => Ok(Self { total, offset, bytes }),
            _ => Err(MessageError::Length),
        }
    }

    fn write(&self, out: &mut Output<'_>) -> Result<(), EncodeError> {
        out.u32(self.total)?;
        out.u32(self.offset)?;
        out.put(self.bytes)
    }
}

/// The model on a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// [`super::content_hash`] of its file.
    pub hash: [u8; 8],
    /// Bytes of all inputs.
    pub input_bytes: u32,
    /// Bytes of all outputs.
    pub output_bytes: u32,
    /// Bytes of arena and workspace.
    pub arena_bytes: u32,
    /// The sensor whose instants a front end on the board makes ready for it, if there is one.
    pub front_end: Option<u8>,
}

impl Loaded {
    fn read(input: &mut Input<'_>) -> Result<Option<Self>, MessageError> {
        let has_front_end = match input.u8()? {
            0 => return Ok(None),
            1 => false,
            2 => true,
            _ => return Err(MessageError::Value),
        };
        let hash = input.array()?;
        let [input_bytes, output_bytes, arena_bytes] = [input.u32()?, input.u32()?, input.u32()?];
        let front_end = if has_front_end { Some(input.u8()?) } else { None };
        Ok(Some(Self { hash, input_bytes, output_bytes, arena_bytes, front_end }))
    }

    fn write(model: Option<&Self>, out: &mut Output<'_>) -> Result<(), EncodeError> {
        let Some(model) = model else { return out.u8(0) };
        out.u8(if model.front_end.is_some() { 2 } else { 1 })?;
        out.put(&model.hash)?;
        [model.input_bytes, model.output_bytes, model.arena_bytes].into_iter().try_for_each(|value| out.u32(value))?;
        model.front_end.map_or(Ok(()), |sensor| out.u8(sensor))
    }
}

/// What running the model took. Latencies are of all inferences since the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// How often the model ran.
    pub inferences: u32,
    /// Mean latency.
    pub mean_us: u32,
    /// Median latency.
    pub p50_us: u32,
    /// 95th percentile.
    pub p95_us: u32,
    /// 99th percentile.
    pub p99_us: u32,
    /// Longest latency.
    pub max_us: u32,
    /// Bytes of arena and workspace in use.
    pub arena_bytes: u32,
    /// Bytes of the heap that are free.
    pub free_heap_bytes: u32,
    /// Instants of all sensors that were dropped because the link was too slow.
    pub dropped: u32,
}

/// What a board says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Report<'a> {
    /// Who it is.
    Hello {
        /// [`super::PROTOCOL`].
        protocol: u8,
        /// The board's own number; 0 for none.
        number: u64,
        /// Its name.
        board: &'a str,
        /// The version of its firmware.
        firmware: &'a str,
        /// Its sensors.
        sensors: List<'a, Sensor<'a>>,
        /// Its model, if there is one.
        model: Option<Loaded>,
    },
    /// What a sensor measured.
    Samples {
        /// Which sensor.
        sensor: u8,
        /// When the first instant was, on the board's clock.
        time_us: u64,
        /// Instants that were dropped between the sensor's last frame and this one.
        dropped: u32,
        /// The instants.
        instants: &'a [u8],
    },
    /// What the model computed.
    Result {
        /// The request that is answered; 0 for a window that is watched.
        request: u32,
        /// Whether there is an output.
        status: Status,
        /// How long it took.
        latency_us: u32,
        /// When the first instant of the window was; 0 for a request.
        time_us: u64,
        /// A piece of the output.
        output: Piece<'a>,
    },
    /// What running the model took.
    Stats(Stats),
    /// A line of the log.
    Log {
        /// How much it matters.
        level: Level,
        /// The line.
        text: &'a str,
    },
    /// A command was taken or refused.
    Ack {
        /// The sequence of its frame.
        sequence: u16,
        /// How it ended.
        status: Status,
        /// Of a command in pieces, how many bytes of the whole are there.
        held: u32,
    },
}

impl<'a> Report<'a> {
    /// What a frame says.
    ///
    /// # Errors
    /// The frame is no report.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, MessageError> {
        let mut input = Input(frame.payload);
        let r = &mut input;
        let report = match frame.kind {
            0x01 => Self::Hello {
                protocol: r.u8()?,
                number: r.u64()?,
                board: r.text()?,
                firmware: r.text()?,
                sensors: List::read(r)?,
                model: Loaded::read(r)?,
            },
            0x02 => Self::Samples { sensor: r.u8()?, time_us: r.u64()?, dropped: r.u32()?, instants: r.rest() },
            0x03 => Self::Result {
                request: r.u32()?,
                status: Status::read(r)?,
                latency_us: r.u32()?,
                time_us: r.u64()?,
                output: Piece::read(r)?,
            },
            0x04 => Self::Stats(Stats::read(r)?),
            0x05 => Self::Log { level: Level::read(r)?, text: utf8(r.rest())? },
            0x06 => Self::Ack { sequence: r.u16()?, status: Status::read(r)?, held: r.u32()? },
            kind => return Err(MessageError::Kind(kind)),
        };
        input.end().map(|()| report)
    }

    /// Encodes it as a frame. `scratch` takes the payload before it is encoded. The bytes written to `out`.
    ///
    /// # Errors
    /// A buffer is too short, or the message too long.
    pub fn encode(&self, sequence: u16, scratch: &mut [u8], out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut w = Output::new(scratch);
        let kind = self.write(&mut w)?;
        finish(kind, sequence, w.len(), scratch, out)
    }

    /// Writes the payload. The frame's kind.
    fn write(&self, w: &mut Output<'_>) -> Result<u8, EncodeError> {
        match self {
            Self::Hello { protocol, number, board, firmware, sensors, model } => {
                w.u8(*protocol)?;
                w.u64(*number)?;
                w.text(board)?;
                w.text(firmware)?;
                sensors.write(w)?;
                Loaded::write(model.as_ref(), w).map(|()| 0x01)
            }
            Self::Samples { sensor, time_us, dropped, instants } => {
                w.u8(*sensor)?;
                w.u64(*time_us)?;
                w.u32(*dropped)?;
                w.put(instants).map(|()| 0x02)
            }
            Self::Result { request, status, latency_us, time_us, output } => {
                w.u32(*request)?;
                w.u8(*status as u8)?;
                w.u32(*latency_us)?;
                w.u64(*time_us)?;
                output.write(w).map(|()| 0x03)
            }
            Self::Stats(stats) => stats.write(w).map(|()| 0x04),
            Self::Log { level, text } => {
                w.u8(*level as u8)?;
                w.put(text.as_bytes()).map(|()| 0x05)
            }
            Self::Ack { sequence, status, held } => {
                w.u16(*sequence)?;
                w.u8(*status as u8)?;
                w.u32(*held).map(|()| 0x06)
            }
        }
    }
}

impl Level {
    fn read(input: &mut Input<'_>) -> Result<Self, MessageError> {
        let all = [Self::Error, Self::Warning, Self::Note, Self::Detail];
        all.get(usize::from(input.u8()?)).copied().ok_or(MessageError::Value)
    }
}

impl Stats {
    fn read(r: &mut Input<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            inferences: r.u32()?,
            mean_us: r.u32()?,
            p50_us: r.u32()?,
            p95_us: r.u32()?,
            p99_us: r.u32()?,
            max_us: r.u32()?,
            arena_bytes: r.u32()?,
            free_heap_bytes: r.u32()?,
            dropped: r.u32()?,
        })
    }

    fn write(&self, w: &mut Output<'_>) -> Result<(), EncodeError> {
        let latencies = [self.inferences, self.mean_us, self.p50_us, self.p95_us, self.p99_us, self.max_us];
        let rest = [self.arena_bytes, self.free_heap_bytes, self.dropped];
        latencies.into_iter().chain(rest).try_for_each(|value| w.u32(value))
    }
}

/// What the studio asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Say Hello.
    Identify,
    /// Send a sensor's samples.
    Start {
        /// Which sensor.
        sensor: u8,
        /// Wanted instants in a thousand seconds; 0 for the sensor's own rate.
        rate_mhz: u32,
    },
    /// Send no more of a sensor's samples.
    Stop {
        /// Which sensor, or [`super::ALL_SENSORS`].
        sensor: u8,
    },
    /// Run the model.
    Infer {
        /// What the result is to name; not 0.
        request: u32,
        /// A piece of the input.
        input: Piece<'a>,
    },
    /// Run the model on what a sensor measures.
    Watch {
        /// Whether to, from now on.
        on: bool,
        /// Which sensor.
        sensor: u8,
        /// Instants from one window to the next.
        stride: u32,
    },
    /// Say what running the model took.
    GetStats {
        /// Begin to count anew.
        reset: bool,
    },
    /// Take a model.
    Load(Piece<'a>),
    /// Run the model that was taken.
    Activate {
        /// Its content hash.
        hash: [u8; 8],
    },
}

impl<'a> Command<'a> {
    /// What a frame asks for.
    ///
    /// # Errors
    /// The frame is no command.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, MessageError> {
        let mut input = Input(frame.payload);
        let r = &mut input;
        let command = match frame.kind {
            0x81 => Self::Identify,
            0x82 => Self::Start { sensor: r.u8()?, rate_mhz: r.u32()? },
            0x83 => Self::Stop { sensor: r.u8()? },
            0x84 => Self::Infer { request: r.u32()?, input: Piece::read(r)? },
            0x85 => Self::Watch { on: r.flag()?, sensor: r.u8()?, stride: r.u32()? },
            0x86 => Self::GetStats { reset: r.flag()? },
            0x87 => Self::Load(Piece::read(r)?),
            0x88 => Self::Activate { hash: r.array()? },
            kind => return Err(MessageError::Kind(kind)),
        };
        input.end().map(|()| command)
    }

    /// As [`Report::encode`].
    ///
    /// # Errors
    /// As [`Report::encode`].
    pub fn encode(&self, sequence: u16, scratch: &mut [u8], out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut w = Output::new(scratch);
        let kind = self.write(&mut w)?;
        finish(kind, sequence, w.len(), scratch, out)
    }

    fn write(&self, w: &mut Output<'_>) -> Result<u8, EncodeError> {
        match self {
            Self::Identify => Ok(0x81),
            Self::Start { sensor, rate_mhz } => {
                w.u8(*sensor)?;
                w.u32(*rate_mhz).map(|()| 0x82)
            }
            Self::Stop { sensor } => w.u8(*sensor).map(|()| 0x83),
            Self::Infer { request, input } => {
                w.u32(*request)?;
                input.write(w).map(|()| 0x84)
            }
            Self::Watch { on, sensor, stride } => {
                w.u8(u8::from(*on))?;
                w.u8(*sensor)?;
                w.u32(*stride).map(|()| 0x85)
            }
            Self::GetStats { reset } => w.u8(u8::from(*reset)).map(|()| 0x86),
            Self::Load(piece) => piece.write(w).map(|()| 0x87),
            Self::Activate { hash } => w.put(hash).map(|()| 0x88),
        }
    }
}

/// Frames the first `len` bytes of `scratch`.
fn finish(kind: u8, sequence: u16, len: usize, scratch: &[u8], out: &mut [u8]) -> Result<usize, EncodeError> {
    if len > MAX_PAYLOAD {
        return Err(EncodeError::Payload);
    }
    encode_frame(kind, sequence, &scratch[..len], out)
}
