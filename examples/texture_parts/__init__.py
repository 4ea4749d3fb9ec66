"""Parts of the example `backdrop_textures`."""
