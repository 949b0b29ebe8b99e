//! CRC-16/IBM-SDLC, four bits at a time: 32 bytes of table.

/// Remainders of the 16 values of four bits: polynomial 0x1021, bits reversed.
const TABLE: [u16; 16] = table();

const fn table() -> [u16; 16] {
    let mut table = [0; 16];
    let mut value = 0;
    while value < 16 {
        let mut crc = value as u16;
        let mut bit = 0;
        while bit < 4 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 };
            bit += 1;
        }
        table[value] = crc;
        value += 1;
    }
    table
}

/// CRC-16/IBM-SDLC (ISO/IEC 13239): polynomial 0x1021, reflected, begins and ends with all ones. Of "123456789" it is 0x906e.
pub fn crc16(bytes: &[u8]) -> u16 {
    crc16_of([bytes])
}

/// The CRC of several pieces, one after the other.
pub(super) fn crc16_of<const N: usize>(pieces: [&[u8]; N]) -> u16 {
    !pieces.into_iter().flatten().fold(0xffff, |crc, &byte| {
        let half = |crc: u16, bits: u8| crc >> 4 ^ TABLE[usize::from((crc as u8 ^ bits) & 15)];
        half(half(crc, byte), byte >> 4)
    })
}
