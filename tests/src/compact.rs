//! What is done to compact models that nobody vouches for, by the tests and by the fuzzer alike.

use tinsmith_runtime::model::{HEADER_BYTES, MAGIC, Model, ModelError, VERSION};

/// Memory beyond which an accepted file is not run: a forged one may ask for any amount, which a caller refuses.
const MAX_BYTES: usize = 1 << 16;

/// Reads bytes as a compact model and runs it once if it is accepted and asks for little.
///
/// # Errors
/// The bytes are refused.
///
/// # Panics
/// Something that was accepted does not run to its end.
pub fn exercise(bytes: &[u8]) -> Result<(), ModelError> {
    let model = Model::parse(bytes)?;
    let ports: usize = model.inputs().chain(model.outputs()).map(|port| port.bytes).fold(0, usize::saturating_add);
    if ports.saturating_add(model.arena_bytes()).saturating_add(model.workspace_bytes()) > MAX_BYTES {
        return Ok(());
    }
    let inputs: Vec<Vec<u8>> = model.inputs().map(|port| vec![0x7f; port.bytes]).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let mut outputs: Vec<Vec<u8>> = model.outputs().map(|port| vec![0; port.bytes]).collect();
    let mut outputs: Vec<&mut [u8]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    let (mut arena, mut workspace) = (vec![0; model.arena_bytes()], vec![0; model.workspace_bytes()]);
    model.run(&mut arena, &mut workspace, &inputs, &mut outputs).expect("an accepted model runs");
    Ok(())
}

/// The bytes behind a sound header: the first two say where the program ends and the data begins.
pub fn with_header(bytes: &[u8]) -> Vec<u8> {
    let Some((split, body)) = bytes.split_first_chunk::<2>() else { return Vec::new() };
    let program = usize::from(u16::from_le_bytes(*split)).min(body.len());
    let lengths = [program, body.len() - program].map(|len| (len as u32).to_le_bytes());
    let mut file = Vec::with_capacity(HEADER_BYTES + body.len());
    file.extend(MAGIC);
    file.extend([VERSION, 0, 0, 0]);
    file.extend(lengths.as_flattened());
    file.extend(body);
    file
}
