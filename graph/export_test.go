package graph

// WithoutPlans leaves every operation to the generated executor.
func (c Config) WithoutPlans() Config {
	c.withoutPlans = true
	return c
}

// Telling tells of each query whether a plan has answered it.
func (c Config) Telling(ran func(planned bool)) Config {
	c.ran = ran
	return c
}
