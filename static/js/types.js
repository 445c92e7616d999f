/**
 * The types that the scripts of the page share. This file has no code and imports nothing.
 *
 * @typedef {"available" | "loading" | "ready" | "failed"} ModelState
 *
 * @typedef {object} LayerCard the attention of one layer
 * @property {number} index
 * @property {number} heads 0 for a layer without attention
 * @property {number} kv_heads fewer than heads where several heads share one
 * @property {string | null} [bias] what the bias depends on that it adds to its scores; null if it adds none
 * @property {string | null} why what a layer without attention has instead
 *
 * @typedef {"encoder" | "decoder" | "cross"} StackName
 *
 * @typedef {object} StackCard layers whose queries are all tokens of one text, and whose keys are all tokens of one text
 * @property {StackName | "self"} name
 * @property {LayerCard[]} layers
 * @property {boolean} causal
 * @property {"source" | "target"} queries the target is the text of the decoder
 * @property {"source" | "target"} keys
 *
 * @typedef {object} ModelCard
 * @property {string} id
 * @property {string} title
 * @property {string} family
 * @property {"bundled" | "local" | "hub"} source
 * @property {string | null} revision of the loaded weights
 * @property {number | null} layers
 * @property {number | null} heads
 * @property {number | null} [kv_heads]
 * @property {StackCard[]} [stacks] empty until it is loaded
 * @property {boolean | null} [projections] false if its effects cannot be computed; null until it is loaded
 * @property {{max_abs_error: number[], reference: string} | null} [certificate] null for bundled models, and until it is loaded
 * @property {"float32" | "bfloat16"} [dtype] of its weights
 * @property {boolean | null} pairs whether it was trained on two texts at once
 * @property {number | null} max_tokens
 * @property {number | null} [max_target] the longest text of the decoder, for models that have one
 * @property {boolean | null} causal
 * @property {number | null} parameters
 * @property {"next_token" | "masked_token" | "label" | "token_label" | "answer" | "none" | null} prediction what the head
 *   of a loaded model predicts
 * @property {string[]} [labels] the names of the first labels of a classifier
 * @property {string[]} ignored weights in the files of a loaded model that are not used
 * @property {boolean | null} verified whether the hash of its weights was known; null until it is loaded
 * @property {ModelState} state
 * @property {string} [why] the reason, when the state is "failed" or the files have changed
 * @property {boolean} changed_on_disk true if the files were changed or deleted after the model was loaded
 *
 * @typedef {object} Progress of loading a model
 * @property {"asking" | "downloading" | "reading"} stage
 * @property {number} bytes
 * @property {number | null} total null until the hub has sent it
 *
 * @typedef {object} Token
 * @property {number} index
 * @property {string} text for people: the server replaces spaces and newlines by visible characters
 * @property {number | null} start its first character in the text, or in its pair, counted in code points; null for special tokens
 * @property {number | null} end
 * @property {boolean} special true for tokens the tokenizer added, such as [CLS]
 * @property {number} segment 0 for the text, 1 for its pair
 *
 * @typedef {object} Capture
 * @property {string} id
 * @property {ModelCard} model
 * @property {Token[]} tokens of the keys
 * @property {Token[]} [query_tokens] of the queries, where they are other tokens
 * @property {number} layers
 * @property {number} heads
 * @property {number} queries
 * @property {number} keys
 * @property {number} tokens_dropped how many were cut off
 * @property {StackName} [stack] of a model with an encoder and a decoder, as are the following
 * @property {ModelCard} [card] of the model with all its stacks; `model` has only the one that is shown
 * @property {Token[]} [source_tokens] of the text, which the encoder reads
 * @property {string | null} [target] the text of the decoder; null while the model writes it
 * @property {Token[] | null} [target_tokens]
 * @property {boolean | null} [target_written] true if the model has written it
 *
 * @typedef {object} Matrix attention weights [query, key]; pooled where a cell covers several tokens: it is their maximum
 * @property {Float32Array} values row-major
 * @property {number} rows
 * @property {number} columns
 * @property {number} queryStep how many queries one row covers
 * @property {number} keyStep how many keys one column covers
 * @property {Span} queries the tokens that all rows together cover
 * @property {Span} keys
 *
 * @typedef {object} Overview thumbnails of all heads of a capture
 * @property {Capture} capture
 * @property {number} layers
 * @property {number} heads
 * @property {(layer: number, head: number) => Matrix | null} at null for a layer that has not arrived yet
 *
 * @typedef {object} Pattern the weights of one head
 * @property {Capture} capture
 * @property {number} layer
 * @property {number} head
 * @property {Matrix} matrix of the whole text; pooled for a long text
 * @property {Matrix | null} detail the window at a higher resolution; null where `matrix` is as sharp
 * @property {boolean} [words] true where the tokens of the capture are words
 * @property {Show} [show] weights if left out
 * @property {number} [longest] for all but weights: the largest magnitude; the matrix has the values divided by it
 *
 * @typedef {object} Line the exact row or column of one token, where the heatmap is pooled
 * @property {Matrix} of the matrix of the head that it belongs to
 * @property {number} token
 * @property {Side} side
 * @property {Matrix} matrix
 *
 * @typedef {{query: number, key: number}} Cell the positions of the tokens of one weight
 * @typedef {[number, number]} Span positions from, to; the end is not included
 * @typedef {{rows: Span, columns: Span}} Window a part of a heatmap
 *
 * @typedef {object} Axes the tokens along the two sides of the heatmap, by their positions; folded tokens are left out
 * @property {number[]} down positions of the tokens, from the top: queries, or keys where the heatmap is flipped
 * @property {number[]} across positions of the tokens, from the left: keys, or queries where the heatmap is flipped
 * @property {boolean} flipped true where keys are the rows
 * @typedef {{down: number, across: number}} CellPlace a point of the axes: indices into `down` and `across`
 * @typedef {{down: Span, across: Span}} Frame a part of the axes: ranges of indices
 *
 * @typedef {object} Size of the stage, the element that the heatmap is drawn in
 * @property {number} width CSS pixels; 0 while the stage is hidden
 * @property {number} height CSS pixels
 * @property {number} [density] device pixels per CSS pixel; 1 if left out
 *
 * @typedef {object} Area the rectangle of the cells, in pixels of the stage
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 * @property {number} letters the maximum length of a label, in characters
 * @property {number} angle of the labels above the heatmap, in degrees
 * @property {boolean} narrow true on a phone: the colour bar is below the heatmap
 *
 * @typedef {object} ShownTokens which tokens the heatmap shows, and where; no pixels
 * @property {Pattern} pattern
 * @property {Axes} axes
 * @property {Frame} frame the part of the axes that is shown: the window
 * @property {boolean} folded true where tokens are folded
 *
 * @typedef {object} Pixels the part of the geometry that depends on the size of the stage
 * @property {Size} size
 * @property {Area} area
 * @property {Pattern} drawn the pattern, pooled so that the window has no more cells than pixels
 *
 * @typedef {ShownTokens & Pixels} Geometry where everything is in the heatmap; only `geometryOf` works it out
 *
 * @typedef {"query" | "key"} Side
 * @typedef {"weights" | "effect" | "layer" | "bias" | "raw"} Show effect: the length of what a key adds to a query; layer: the effect of all heads of the layer together; raw: the scores before the softmax; bias: what the model adds to them
 * @typedef {"" | "scores" | "similarity" | "rollout"} Panel
 * @typedef {{layer: number, head: number}} HeadPlace
 * @typedef {"linear" | "sqrt" | "log"} ScaleName
 *
 * @typedef {object} Address the part of the state that the URL holds: enough to see the same page again
 * @property {string} model
 * @property {string} text the text that was run; what is typed in the box but not run is `draft`
 * @property {string} text_pair a second sentence, for models that read two; empty for none
 * @property {string} target the text of the decoder, for models that have one; empty if the model is to write it
 * @property {"" | StackName} stack whose heads are shown, for models with an encoder and a decoder; empty for the first
 * @property {boolean} truncate true cuts off the end of a text that is too long for the model; with false, it is an error
 * @property {number | null} layer null until a head is chosen; an address may contain a layer that the model does not have
 * @property {number | null} head
 * @property {ScaleName} scale
 * @property {Span | null} rows the zoom window; null for the whole text
 * @property {Span | null} columns
 * @property {boolean} fold true hides the tokens that serve as attention sinks
 * @property {boolean} flip true shows keys as rows
 * @property {"map" | "table"} as a heatmap or a table
 * @property {number | null} token position of the pinned token; null for none
 * @property {Side} side whether a token is shown as a query or as a key
 * @property {boolean} words true shows words instead of tokens
 * @property {Show} show
 * @property {string | null} score name of the score that colours the grid; null for no colouring
 * @property {boolean} sort true sorts the heads by that score
 * @property {number | null} top dims all heads but so many with the highest score; null dims none
 * @property {Panel} panel the open panel; empty for none
 * @property {number | null} start first layer of the rollout
 * @property {number | null} upto last layer of the rollout; null for the last of the model
 * @property {number | null} residual share of the residual stream in each layer, in percent
 * @property {boolean} raw true does not correct for early tokens being visible to more queries
 * @property {boolean} flow true shows the maximum flow instead of the rollout
 * @property {boolean} probe true shows the induction probe beside the scores
 *
 * @typedef {object} Status
 * @property {"idle" | "busy" | "done" | "error"} kind
 * @property {string} message
 * @property {boolean} [retry] true if it may help to try again
 * @property {boolean} [cuts] true if the text would be accepted with its end cut off
 * @property {Progress} [progress] of the model that is being loaded
 * @property {string} [written] what the model has written of the target, while it writes
 * @property {"text" | "text-pair" | "target" | "model"} [about] the field that the error is about
 *
 * @typedef {(number | null)[][]} Values a number for each head, [layer][head]; null where a head has none
 *
 * @typedef {object} Score a number of each head, and what it means
 * @property {string} name
 * @property {string} title
 * @property {string} unit
 * @property {string} formula
 * @property {{title: string, link: string}} source
 * @property {string} choice
 * @property {Values} values
 * @property {Values} ranks
 * @property {string} [why] the reason if it has no meaning for the stack
 *
 * @typedef {object} Role
 * @property {string} name
 * @property {string} title
 * @property {string} rule
 * @property {string} choice
 * @property {number[]} layer_queries
 * @property {boolean[][]} held
 * @property {Values} share
 * @property {Values} chance
 *
 * @typedef {object} Roles
 * @property {Role[]} roles
 * @property {{values: Values, rests: {rule: string, held: boolean[][]}, delimiter: {rule: string, held: boolean[][]}}} sink
 *
 * @typedef {object} Collapse
 * @property {string} name
 * @property {string} rule
 * @property {[number, number][]} [heads]
 * @property {[number, number][][]} [pairs]
 *
 * @typedef {object} Similarity
 * @property {number[][]} jensen_shannon
 * @property {number[][]} cosine
 * @property {[number, number][]} places
 * @property {[number, number][]} of the layer and the head of each row
 * @property {boolean} exact
 * @property {number} rows
 * @property {number} queries
 * @property {{shown: number, choice: string}} map of the heads in two dimensions
 * @property {Collapse[]} collapse
 *
 * @typedef {{start: number, upto: number | null, residual: number, receptive: boolean | null}} RolloutOptions
 *
 * @typedef {object} Findings scores and roles of all heads
 * @property {string} id of the capture and its stack
 * @property {Score[]} scores
 * @property {Roles | null} roles null for cross-attention
 *
 * @typedef {object} Extras
 * @property {{text: string, text_pair: string, target: string} | null} draft what is typed but not run; null if that is the text that was run
 * @property {ModelCard[]} models
 * @property {string} defaultModel the model of a page without an address
 * @property {string[]} chosenModels that the reader has chosen on this page, so that they are loaded without a question
 * @property {string} question the model from the hub that the page asks about before it is loaded; empty for none
 * @property {Overview | null} overview
 * @property {Pattern | null} pattern
 * @property {CaptureRequest | null} pictured the text and the model that the pictures show; null while there are none
 * @property {Findings | null} findings
 * @property {{model: string, scores: Score[], choice: string} | null} probeResult of the induction probe
 * @property {{id: string, result: Similarity} | null} similarity between the heads of the capture and stack with this id
 * @property {{id: string, options: RolloutOptions, matrix: Matrix, kind: "rollout" | "flow"} | null} rollout
 * @property {Status} panelStatus what the analyses of the panels are doing
 * @property {HeadPlace[] | null} order the heads sorted by the chosen score; null for the order of the model
 * @property {{query: number | null, key: number | null}} hovered the tokens under the pointer or the keyboard cursor
 * @property {Line | null} line exact weights of the token that the text shows; null if the pattern has them
 * @property {number} cells how many cells of a heatmap fit on the screen along its longer side
 * @property {"zoom" | "pan"} drag what dragging over the heatmap does
 * @property {Status} status
 * @property {"" | "required" | "rejected"} apiKey required if the server needs a key; rejected if it refused the one it got
 * @property {string} notice a message that does not concern the run; empty for none
 * @property {boolean} dark
 *
 * @typedef {Address & Extras} State
 *
 * @typedef {Pick<State, "rows" | "columns" | "scale" | "fold" | "flip">} Display how a head is drawn
 * @typedef {Pick<Address, "model" | "text" | "text_pair" | "target" | "stack" | "truncate">} CaptureRequest what a capture is made of
 *
 * @typedef {object} Store
 * @property {() => State} get
 * @property {(patch: Partial<State>) => void} set
 * @property {(listener: (now: State, before: State) => void) => () => void} subscribe calls the listener after every change; returns its undo
 * @property {(names: readonly (keyof State)[], listener: (now: State, before: State) => void) => () => void} watch
 *   calls the listener after a change of one of these fields (compared with ===), not at once; returns its undo
 * @typedef {"push" | "replace"} HistoryMode push adds an entry to the browser's history
 *
 * @typedef {object} Actions what views can do
 * @property {(layer: number, head: number, mode: HistoryMode) => void} chooseHead
 * @property {(patch: Partial<Address & Pick<Extras, "drag">>) => void} adjust change what the page draws from the data that it has: scale, zoom
 * @property {(patch: Partial<Pick<Address, "words" | "show">>) => void} show change what is fetched of the head: words or tokens, weights or effects
 * @property {(kind: "cell" | "line", window: Window) => Promise<Matrix>} fetchWeights exact weights of the head that is shown; a newer request of the same kind aborts the older
 * @property {() => void} retry run the text again
 * @property {() => void} retryPanels request again what the panels failed to get
 * @property {(path: string, name: string) => boolean} downloadFile saves a file that needs the API key; false when a plain link is enough
 * @property {(kind: Status["kind"], message: string) => void} setStatus
 * @property {(message: string, retry?: boolean) => () => void} showFailure shows that a part of the page failed; returns how to remove the message. With `retry`, it offers to run the text again
 *
 * @typedef {object} PlotlyLike the part of plotly.js this page uses
 * @property {(root: HTMLElement, data: object[], layout: object, config: object) => Promise<unknown>} react
 * @property {(root: HTMLElement) => void} purge
 * @property {(figure: {data: object[], layout: object}, options: object) => Promise<unknown>} downloadImage
 * @typedef {{range: [number, number]}} PlotAxis
 * @typedef {HTMLElement & {on: (event: string, handler: (event: any) => void) => void, layout: {xaxis: PlotAxis, yaxis: PlotAxis}}} PlotElement
 */

export {};
