//! Codes of vectors as sections of a container.
//!
//! | section | content |
//! |---|---|
//! | `frame` | what stands for the rotation, u64, then the centre, f32 |
//! | `nibbles` | a block for each 16 rows, see [`crate::dense::codes`] |
//! | `fine` | the fine code of each row |
//! | `bits` | a block for each 64 rows |

use super::format::{Container, Section, section};
use crate::Result;
use crate::dense::{CodesView, Frame};

/// The sections of codes, given the bytes of their frame.
pub(super) fn sections<'a>(codes: &CodesView<'a>, frame: &'a [u8]) -> [Section<'a>; 4] {
    [
        section("frame", frame),
        section("nibbles", bytemuck::cast_slice::<_, u8>(codes.nibbles())),
        section("fine", codes.fine()),
        section("bits", bytemuck::cast_slice::<_, u8>(codes.bits())),
    ]
}

/// The bytes of the frame of codes.
pub(super) fn frame_bytes(codes: &CodesView<'_>) -> Vec<u8> {
    let mut frame = codes.frame().seed().to_le_bytes().to_vec();
    frame.extend_from_slice(bytemuck::cast_slice(codes.frame().centre()));
    frame
}

/// Reads the frame of the codes, if there are any, and checks that all of it fits `rows` rows of
/// width `dim`.
pub(super) fn frame(container: &Container, dim: usize, rows: usize) -> Result<Option<Frame>> {
    if !container.has("frame") || !container.has("fine") {
        return Ok(None);
    }
    let misfit = || container.corrupt("its codes do not fit its vectors");
    let (seed, centre) = container.section("frame")?.split_first_chunk().ok_or_else(misfit)?;
    if Some(centre.len()) != dim.checked_mul(4) || centre.is_empty() {
        return Err(misfit());
    }
    let centre = centre.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let frame = Frame::new(centre, u64::from_le_bytes(*seed));
    let sections = ["nibbles", "fine", "bits"].map(|name| container.unchecked(name));
    if of_sections(container, &frame, sections)?.len() > rows {
        return Err(misfit());
    }
    // Most searches read the codes, and of the vectors a few.
    container.is_read_at_random("vectors");
    container.is_read_at_random("fine");
    Ok(Some(frame))
}

/// The codes of a container whose frame was read.
pub(super) fn view<'a>(container: &'a Container, frame: &'a Frame) -> Result<CodesView<'a>> {
    of_sections(container, frame, ["nibbles", "fine", "bits"].map(|name| container.section(name)))
}

fn of_sections<'a>(
    container: &'a Container,
    frame: &'a Frame,
    sections: [Result<&'a [u8]>; 3],
) -> Result<CodesView<'a>> {
    let [nibbles, fine, bits] = sections;
    let (nibbles, bits) = (bytemuck::try_cast_slice(nibbles?), bytemuck::try_cast_slice(bits?));
    let (Ok(nibbles), Ok(bits)) = (nibbles, bits) else {
        return Err(container.corrupt("its codes are no whole lines"));
    };
    frame.view(nibbles, fine?, bits).ok_or_else(|| container.corrupt("its codes are no whole blocks"))
}
