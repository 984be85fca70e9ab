// What joins the tabs into one story: the list of samples, and the ids that go from tab to tab.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { useEffect, useRef } from 'react'
import { carry, type Ids, placeholders } from './ids'
import { operationName, samples, variablesOf } from './samples'

/** Opens a sample: in its tab if that is there, else in a new one. */
export function Samples() {
  const tabs = useGraphiQL((state) => state.tabs)
  const queryEditor = useGraphiQL((state) => state.queryEditor)
  const variableEditor = useGraphiQL((state) => state.variableEditor)
  const { changeTab, addTab } = useGraphiQLActions()

  function open(index: number) {
    const sample = samples[index]
    if (!sample) return
    const tab = tabs.findIndex(({ title }) => title === operationName(sample))
    if (tab >= 0) return changeTab(tab)
    addTab()
    queryEditor?.setValue(sample.query)
    variableEditor?.setValue(variablesOf(sample))
  }

  return (
    <select
      aria-label="Open a sample"
      className="samples"
      value=""
      disabled={!queryEditor || !variableEditor}
      onChange={(event) => open(Number(event.target.value))}
    >
      <option value="">
        Samples …
      </option>
      {samples.map((sample, index) => (
        <option key={sample.title} value={index}>{`${index + 1}. ${sample.title}`}</option>
      ))}
    </select>
  )
}

/** Long lines wrap, and a screen reader is told which editor it is in. */
export function EditorOptions() {
  const queryEditor = useGraphiQL((state) => state.queryEditor)
  const variableEditor = useGraphiQL((state) => state.variableEditor)
  const headerEditor = useGraphiQL((state) => state.headerEditor)
  const responseEditor = useGraphiQL((state) => state.responseEditor)

  useEffect(() => {
    queryEditor?.updateOptions({ wordWrap: 'on', renderFinalNewline: 'on', ariaLabel: 'Operation' })
    variableEditor?.updateOptions({ wordWrap: 'on', ariaLabel: 'Variables, as JSON' })
    headerEditor?.updateOptions({ ariaLabel: 'Headers, as JSON' })
    responseEditor?.updateOptions({ ariaLabel: 'Answer, as JSON' })
  }, [queryEditor, variableEditor, headerEditor, responseEditor])

  return null
}

/**
 * Writes the newest ids into the variables of the tab in front. Other tabs get theirs when they
 * come to the front: GraphiQL has one editor for all of them.
 */
export function CarryIds({ ids }: { ids: Ids }) {
  const editor = useGraphiQL((state) => state.variableEditor)
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id ?? '')
  const filled = useRef(new Map<string, Ids>())

  useEffect(() => {
    if (!editor) return
    const before = filled.current.get(tab) ?? placeholders
    const text = editor.getValue()
    const now = carry(text, before, ids)
    if (now !== text) editor.setValue(now)
    filled.current.set(tab, ids)
  })

  return null
}
