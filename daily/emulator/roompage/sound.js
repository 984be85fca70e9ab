// The rate of all speech in emulated rooms, in samples a second.
const SAMPLE_RATE = 16000

// A Sound plays speech and measures how loud it is: playout → analyser → volume → speakers. The
// analyser comes before the volume, so that a muted avatar still moves.
export class Sound {
  #context
  #playout = null
  #volume
  #analyser
  #frame = 0

  // It must be made in a click: browsers play nothing before one. `ready` resolves to what a
  // person should know, or ''. `onLevel` is told the loudness with every frame of the screen.
  constructor(onLevel) {
    this.#context = new AudioContext({ sampleRate: SAMPLE_RATE })
    this.#analyser = new AnalyserNode(this.#context, { fftSize: 1024 })
    this.#volume = new GainNode(this.#context)
    this.#analyser.connect(this.#volume).connect(this.#context.destination)
    this.ready = this.#start()
    const wave = new Float32Array(this.#analyser.fftSize)
    const look = () => {
      this.#analyser.getFloatTimeDomainData(wave)
      onLevel(Math.sqrt(wave.reduce((sum, x) => sum + x * x, 0) / wave.length))
      this.#frame = requestAnimationFrame(look)
    }
    look()
  }

  async #start() {
    // Worklets exist on https and on this machine only.
    if (!this.#context.audioWorklet) return 'No sound: this browser plays it over https or on localhost only.'
    try {
      await this.#context.audioWorklet.addModule(new URL('playout.js', import.meta.url))
      if (this.#context.state === 'closed') return ''
      await this.#context.resume()
    } catch {
      return 'No sound: this browser does not let the page play any.'
    }
    this.#playout = new AudioWorkletNode(this.#context, 'playout', { numberOfInputs: 0, outputChannelCount: [1] })
    this.#playout.connect(this.#analyser)
    return ''
  }

  // play takes 16 bit samples as an ArrayBuffer. What comes before sound is ready is not heard,
  // as what was spoken before one joined.
  play(pcm) {
    this.#playout?.port.postMessage(pcm, [pcm])
  }

  // flush is silence, now.
  flush() {
    this.#playout?.port.postMessage(null)
  }

  mute(muted) {
    this.#volume.gain.value = muted ? 0 : 1
  }

  close() {
    cancelAnimationFrame(this.#frame)
    this.#context.close()
  }
}
