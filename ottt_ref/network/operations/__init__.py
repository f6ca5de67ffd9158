"""Operations between layers, a file each: affine maps of one time step's values."""
