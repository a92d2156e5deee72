package sops

// combine puts a secret together from the parts that Shamir's method made of it: polynomials over
// the field of 256 elements that AES also counts in, one for each byte, taken at zero. The last byte
// of a part is the x of its points. It returns nil for parts that do not belong together.
func combine(parts [][]byte) []byte {
	size := len(parts[0]) - 1
	seen := map[byte]bool{0: true} // x = 0 is the secret itself
	for _, p := range parts {
		if len(p) != size+1 || size < 1 || seen[p[size]] {
			return nil
		}
		seen[p[size]] = true
	}
	secret := make([]byte, size)
	for _, p := range parts {
		weight := weightAtZero(parts, p[size])
		for i := range secret {
			secret[i] ^= times(p[i], weight)
		}
	}
	return secret
}

// weightAtZero is Lagrange's basis polynomial of the point x, taken at zero.
func weightAtZero(parts [][]byte, x byte) byte {
	weight := byte(1)
	for _, p := range parts {
		if other := p[len(p)-1]; other != x {
			weight = times(weight, times(other, inverse(other^x)))
		}
	}
	return weight
}

// times multiplies modulo x⁸+x⁴+x³+x+1, in the same time whatever the bytes.
func times(a, b byte) (product byte) {
	for range 8 {
		product ^= a & -(b & 1)
		a = a<<1 ^ 0x1B&-(a>>7)
		b >>= 1
	}
	return product
}

// inverse is a to the power of 254.
func inverse(a byte) byte {
	result := byte(1)
	for range 7 {
		a = times(a, a)
		result = times(result, a)
	}
	return result
}
