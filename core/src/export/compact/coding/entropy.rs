//! Codings whose bits depend on how often a value occurs.

use tinsmith_runtime::model::coding::MAX_CODE_BITS;

use super::{BitWriter, Census, Coded, Encoding, tag};

pub(super) fn prefix(values: &[i8], _: usize, census: &Census) -> Option<Coded> {
    let code = PrefixCode::of(&census.counts)?;
    let mut bytes = vec![tag::PREFIX];
    code.write(&mut bytes);
    let mut bits = BitWriter { bytes, taken: 0 };
    values.iter().for_each(|value| code.put(*value as u8, &mut bits));
    Some(Coded { encoding: Encoding::Prefix, bytes: bits.bytes })
}

pub(super) fn runs(values: &[i8], _: usize, census: &Census) -> Option<Coded> {
    let mut counts = census.counts;
    counts[0] = 0;
    let value_code = PrefixCode::of(&counts)?;
    // A shorter longest run has a shorter table, which small tensors notice.
    let candidates = [7, 15, 31, 63, 127, 255].into_iter().filter_map(|longest| runs_up_to(longest, values, &value_code));
    let bytes = candidates.min_by_key(Vec::len)?;
    Some(Coded { encoding: Encoding::Runs, bytes })
}

fn runs_up_to(longest: u8, values: &[i8], value_code: &PrefixCode) -> Option<Vec<u8>> {
    let tokens = tokens(longest, values);
    let mut counts = [0; 256];
    tokens.iter().for_each(|(run, _)| counts[usize::from(*run)] += 1);
    let run_code = PrefixCode::of(&counts)?;
    let mut bytes = vec![tag::RUNS, longest];
    run_code.write(&mut bytes);
    value_code.write(&mut bytes);
    let mut bits = BitWriter { bytes, taken: 0 };
    for (run, value) in tokens {
        run_code.put(run, &mut bits);
        if let Some(value) = value {
            value_code.put(value as u8, &mut bits);
        }
    }
    Some(bits.bytes)
}

/// Zeros, and the value behind them; none behind the longest run and at the end.
fn tokens(longest: u8, values: &[i8]) -> Vec<(u8, Option<i8>)> {
    let mut tokens = Vec::new();
    let mut run = 0;
    for value in values {
        if *value != 0 {
            tokens.push((run, Some(*value)));
            run = 0;
            continue;
        }
        run += 1;
        if run == longest {
            tokens.push((run, None));
            run = 0;
        }
    }
    if run > 0 {
        tokens.push((run, None));
    }
    tokens
}

/// A canonical prefix code over bytes.
struct PrefixCode {
    /// Codes of each length, from 1.
    counts: Vec<u8>,
    /// In the order of their codes.
    symbols: Vec<u8>,
    /// Code and length of each byte that has one.
    codes: [(u32, u32); 256],
}

impl PrefixCode {
    /// The shortest code for symbols that occur so often; `None` if none does, or 256 codes are of one length.
    fn of(counts: &[u64; 256]) -> Option<Self> {
        let occurring: Vec<u8> = (0..=255_u8).filter(|symbol| counts[usize::from(*symbol)] > 0).collect();
        let weights: Vec<u64> = occurring.iter().map(|symbol| counts[usize::from(*symbol)]).collect();
        let lengths = code_lengths(&weights, MAX_CODE_BITS);
        let mut by_length: Vec<(usize, u8)> = lengths.into_iter().zip(occurring).collect();
        by_length.sort_unstable();
        let longest = by_length.last()?.0;
        let of_length = |length: usize| by_length.iter().filter(|(of, _)| *of == length).count();
        let per_length = (1..=longest).map(|length| u8::try_from(of_length(length)).ok()).collect::<Option<Vec<u8>>>()?;
        let mut codes = [(0, 0); 256];
        let (mut next, mut last) = (0_u32, 0);
        for (length, symbol) in &by_length {
            next <<= length - last;
            codes[usize::from(*symbol)] = (next, *length as u32);
            (next, last) = (next + 1, *length);
        }
        Some(Self { counts: per_length, symbols: by_length.into_iter().map(|(_, symbol)| symbol).collect(), codes })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        // At most 15.
        bytes.push(self.counts.len() as u8);
        bytes.extend(&self.counts);
        bytes.extend(&self.symbols);
    }

    fn put(&self, symbol: u8, bits: &mut BitWriter) {
        let (code, length) = self.codes[usize::from(symbol)];
        bits.put(code, length);
    }
}

/// Lengths of the codes with the smallest weighted sum of which none is longer than `limit`; a single symbol takes no bits.
///
/// Package-merge: Larmore and Hirschberg, "A fast algorithm for optimal length-limited Huffman codes", 1990.
pub(super) fn code_lengths(weights: &[u64], limit: usize) -> Vec<usize> {
    let n = weights.len();
    let mut lengths = vec![0; n];
    if n < 2 {
        return lengths;
    }
    // A coin is a weight and the symbols in it; each symbol taken makes its code a bit longer.
    let mut coins: Vec<(u64, Vec<usize>)> = (0..n).map(|symbol| (weights[symbol], vec![symbol])).collect();
    coins.sort();
    let mut level = coins.clone();
    for _ in 1..limit {
        let package = |pair: &[(u64, Vec<usize>)]| {
            let symbols = pair.iter().flat_map(|(_, symbols)| symbols).copied().collect();
            (pair.iter().map(|(weight, _)| weight).sum(), symbols)
        };
        let packages = level.chunks_exact(2).map(package);
        level = coins.iter().cloned().chain(packages).collect();
        level.sort();
    }
    level.iter().take(2 * n - 2).flat_map(|(_, symbols)| symbols).for_each(|symbol| lengths[*symbol] += 1);
    lengths
}
