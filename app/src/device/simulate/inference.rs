//! The model on a simulated board, run by the runtime that a firmware links.

use std::time::Instant;

use tinsmith_core::data::recording::SensorInfo;
use tinsmith_runtime::link::{Loaded, Piece, Status, content_hash};
use tinsmith_runtime::model::{Element, Model, Port};

/// Something that comes in pieces.
#[derive(Debug, Default)]
pub struct Pieces {
    total: u32,
    pub bytes: Vec<u8>,
}

impl Pieces {
    /// Takes a piece of at most `limit` bytes in all.
    pub fn take(&mut self, piece: &Piece<'_>, limit: usize) -> Status {
        if piece.total as usize > limit {
            return Status::Length;
        }
        if piece.offset == 0 {
            (self.total, self.bytes) = (piece.total, Vec::new());
        }
        if piece.total != self.total || piece.offset as usize != self.bytes.len() {
            return Status::Offset;
        }
        self.bytes.extend(piece.bytes);
        Status::Done
    }

    /// Bytes that are there.
    pub fn held(&self) -> u32 {
        self.bytes.len() as u32
    }
}

/// A model that has been checked.
#[derive(Debug)]
pub struct Inference {
    file: Vec<u8>,
    loaded: Loaded,
    /// The only input, where there is one alone.
    input: Option<Port>,
}

impl Inference {
    /// Checks a compact model for a board with so much memory.
    pub fn new(file: Vec<u8>, memory_bytes: usize) -> Result<Self, Status> {
        let model = Model::parse(&file).map_err(|_| Status::Model)?;
        let bytes = |ports: &mut dyn Iterator<Item = Port>| ports.map(|port| port.bytes as u64).sum::<u64>();
        let (inputs, outputs) = (bytes(&mut model.inputs()), bytes(&mut model.outputs()));
        let working = model.arena_bytes() as u64 + model.workspace_bytes() as u64;
        if working + inputs + outputs > memory_bytes as u64 {
            return Err(Status::Memory);
        }
        let mut ports = model.inputs();
        let input = ports.next().filter(|_| ports.next().is_none());
        let (input_bytes, output_bytes, arena_bytes) = (inputs as u32, outputs as u32, working as u32);
        let loaded = Loaded { hash: content_hash(&file), input_bytes, output_bytes, arena_bytes, front_end: None };
        drop(ports);
        Ok(Self { file, loaded, input })
    }

    pub fn loaded(&self) -> Loaded {
        self.loaded
    }

    /// Outputs, and how long the run took in microseconds.
    pub fn run(&self, input: &[u8]) -> Result<(Vec<u8>, u32), Status> {
        if input.len() != self.loaded.input_bytes as usize {
            return Err(Status::Length);
        }
        let model = Model::parse(&self.file).map_err(|_| Status::Model)?;
        let (mut arena, mut workspace) = (vec![0; model.arena_bytes()], vec![0; model.workspace_bytes()]);
        let mut rest = input;
        let inputs: Vec<&[u8]> = model.inputs().map_while(|port| rest.split_off(..port.bytes)).collect();
        let mut output = vec![0; self.loaded.output_bytes as usize];
        let mut left = &mut output[..];
        let mut outputs: Vec<&mut [u8]> = model.outputs().map_while(|port| left.split_off_mut(..port.bytes)).collect();
        let start = Instant::now();
        model.run(&mut arena, &mut workspace, &inputs, &mut outputs).map_err(|_| Status::Failed)?;
        let latency_us = u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX);
        Ok((output, latency_us))
    }

    /// Instants of a sensor that its input takes; `None` if it does not take that sensor's.
    pub fn window(&self, sensor: &SensorInfo) -> Option<usize> {
        let port = self.input?;
        let values = port.bytes / port.element.bytes();
        let n_channels = sensor.channels.len();
        (n_channels > 0 && values > 0 && values.is_multiple_of(n_channels)).then(|| values / n_channels)
    }

    /// A window of instants as the model's input: real units, then its own integers.
    pub fn quantized(&self, sensor: &SensorInfo, instants: &[u8]) -> Vec<u8> {
        let Some(port) = self.input else { return Vec::new() };
        let scale = if port.scale > 0.0 { port.scale } else { 1.0 };
        let integer = |real: f32| (real / scale).round() as i32 + port.zero_point;
        let mut input = Vec::with_capacity(port.bytes);
        for real in sensor.real_values(instants) {
            match port.element {
                Element::I8 => input.push(integer(real).clamp(-128, 127) as i8 as u8),
                Element::U8 => input.push(integer(real).clamp(0, 255) as u8),
                Element::I16 => input.extend((integer(real).clamp(-32768, 32767) as i16).to_le_bytes()),
                Element::I32 => input.extend(integer(real).to_le_bytes()),
                Element::F32 => input.extend(real.to_le_bytes()),
            }
        }
        input
    }
}
