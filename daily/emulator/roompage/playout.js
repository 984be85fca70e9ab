// Runs on the audio thread: plays 16 bit samples one after another, and silence when there are
// none. A message is an ArrayBuffer, or null to forget what has not been played.

// What piles up beyond this many seconds, while the machine sleeps, is dropped, oldest first.
const MOST_SECONDS = 5

class Playout extends AudioWorkletProcessor {
  #queue = []
  #waiting = 0 // samples in the queue
  #at = 0 // of its first piece

  constructor() {
    super()
    this.port.onmessage = ({ data }) => (data ? this.#add(new Int16Array(data)) : this.#flush())
  }

  #add(piece) {
    this.#queue.push(piece)
    this.#waiting += piece.length
    while (this.#waiting > MOST_SECONDS * sampleRate) this.#drop()
  }

  #drop() {
    this.#waiting -= this.#queue.shift().length - this.#at
    this.#at = 0
  }

  #flush() {
    this.#queue = []
    this.#waiting = this.#at = 0
  }

  process(_inputs, [[out]]) {
    for (let i = 0; i < out.length && this.#queue.length > 0; i++) {
      out[i] = this.#queue[0][this.#at++] / 32768
      this.#waiting--
      if (this.#at === this.#queue[0].length) {
        this.#queue.shift()
        this.#at = 0
      }
    }
    return true
  }
}

registerProcessor('playout', Playout)
